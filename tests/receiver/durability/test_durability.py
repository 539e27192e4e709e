"""250 means on disk: short runs of what `make durability` does at length."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.receiver.durability.kills import kill_again_and_again
from tests.receiver.processes import ROOT


@pytest.mark.parametrize(("workers", "checks"), [(1, False), (2, False), (1, True), (2, True)])
def test_what_was_acknowledged_is_there_whole_after_kill_9(
    tmp_path: Path, workers: int, checks: bool
) -> None:
    rounds = kill_again_and_again(tmp_path, 4, connections=6, longest=0.4, workers=workers, checks=checks)
    *_, last = rounds
    assert last.wrong == ""
    assert last.rounds == 4
    assert last.acknowledged >= 4


@pytest.mark.parametrize("checks", [[], ["--checks"]], ids=["unchecked", "checked"])
def test_what_was_acknowledged_is_there_whole_after_a_power_cut_and_a_liar_is_caught(
    checks: list[str],
) -> None:
    if os.geteuid() != 0 or not Path("/dev/fuse").exists() or not Path("/dev/loop-control").exists():
        pytest.skip("power cuts need root, FUSE and loop devices")
    command = [sys.executable, "-m", "tests.receiver.durability", "cuts", "--cuts", "5", "--runs", "1"]
    command += ["--seconds", "0.7", *checks]
    liars = [] if checks else ["no sync of its log", "no sync before its log is emptied", "no recovery"]
    command += [each for liar in liars for each in ("--liar", liar)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"5 power cuts .* 0 lost, 0 broken, 0 twice", done.stdout), done.stdout
    assert len(re.findall(r"caught at [1-5] of 5 cuts", done.stdout)) == len(liars), done.stdout
