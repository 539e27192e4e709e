"""250 means on disk: short runs of what `make durability` does at length."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.receiver.durability.hooks import Target
from tests.receiver.durability.kills import kill_again_and_again, kill_hooks
from tests.receiver.durability.liars import HOOK_LIARS
from tests.receiver.processes import ROOT


@pytest.mark.parametrize("workers", [1, 2])
def test_what_was_acknowledged_is_there_whole_after_kill_9(tmp_path: Path, workers: int) -> None:
    *_, last = kill_again_and_again(tmp_path, 4, connections=6, longest=0.4, workers=workers)
    assert last.wrong == ""
    assert last.rounds == 4
    assert last.acknowledged >= 4


@pytest.mark.parametrize("workers", [1, 2])
def test_so_it_is_with_checks_and_hooks_and_each_hook_is_told_though_it_is_killed_too(
    tmp_path: Path, workers: int
) -> None:
    with Target(lambda: 0) as target:
        rounds = kill_again_and_again(
            tmp_path, 4, connections=6, longest=0.4, workers=workers, checks=True, target=target
        )
        *_, last = rounds
    assert last.wrong == ""
    assert last.acknowledged >= 4
    assert last.hooks and last.hooks.told > 0


def test_a_killed_hook_repeats_at_most_one_message_and_one_that_unlinks_before_it_posts_is_caught(
    tmp_path: Path,
) -> None:
    for name in ("good", "bad"):
        (tmp_path / name).mkdir()
    good = kill_hooks(tmp_path / "good", 4)
    assert good, good
    assert good.repeats <= 4
    bad = kill_hooks(tmp_path / "bad", 4, delay=0.2, options="--unlinks-first")
    assert bad.lost
    assert not bad.broken and not bad.renamed


@pytest.mark.parametrize(
    ("options", "liars"),
    [
        ([], ["no sync of its log", "no sync before its log is emptied", "no recovery"]),
        (["--checks", "--hooks"], list(HOOK_LIARS)),
    ],
    ids=["plain", "checked, with hooks"],
)
def test_what_was_acknowledged_is_there_whole_after_a_power_cut_and_a_liar_is_caught(
    options: list[str], liars: list[str]
) -> None:
    if os.geteuid() != 0 or not Path("/dev/fuse").exists() or not Path("/dev/loop-control").exists():
        pytest.skip("power cuts need root, FUSE and loop devices")
    command = [sys.executable, "-m", "tests.receiver.durability", "cuts", "--cuts", "5", "--runs", "1"]
    command += ["--seconds", "0.7", *options]
    command += [each for liar in liars for each in ("--liar", liar)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"5 power cuts .* 0 lost, 0 broken, 0 twice", done.stdout), done.stdout
    if "--hooks" in options:
        assert re.search(r"[1-9]\d* tellings, 0 lost, 0 broken, 0 with two ids", done.stdout), done.stdout
    assert len(re.findall(r"caught at [1-5] of 5 cuts", done.stdout)) == len(liars), done.stdout
