"""250 means on disk: short runs of what `make durability` does at length."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.receiver.durability.kills import kill_again_and_again
from tests.receiver.wire import ROOT


def test_what_was_acknowledged_is_there_whole_after_kill_9(tmp_path: Path) -> None:
    *_, last = kill_again_and_again(tmp_path, 4, connections=6, longest=0.4)
    assert last.wrong == ""
    assert last.rounds == 4
    assert last.acknowledged > 4


def power_cuts(*arguments: str) -> str:
    if os.geteuid() != 0 or not Path("/dev/fuse").exists() or not Path("/dev/loop-control").exists():
        pytest.skip("power cuts need root, FUSE and loop devices")
    command = [sys.executable, "-m", "tests.receiver.durability", "cuts", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_what_was_acknowledged_is_there_whole_after_a_power_cut() -> None:
    said = power_cuts("--cuts", "10", "--seconds", "1", "--runs", "1")
    match = re.search(r"10 power cuts .* 0 lost, 0 broken, 0 twice", said)
    assert match, said


def test_a_receiver_that_does_not_sync_is_caught() -> None:
    said = power_cuts("--cuts", "8", "--seconds", "1", "--runs", "0", "--liar", "no sync after the names")
    assert re.search(r"no sync after the names: caught at [1-8] of 8 cuts", said), said
