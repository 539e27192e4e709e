"""A run that is killed at any step leaves a whole certificate, and the next run makes everything right."""

from __future__ import annotations

import os
import shutil
import signal
from datetime import timedelta
from pathlib import Path

import pytest

from services.renewal.certificates import read_certificate
from tests.services.renewal import keys
from tests.services.renewal.world import World

THOROUGH = os.environ.get("LETTERBOX_THOROUGH") == "1"


def killed(world: World, kind: str, number: int, steps: Path) -> int:
    """How a run ended that was killed before its step of this kind with this number; 0 kills nothing."""
    program = ("tests.services.renewal.killed", kind, str(number), str(steps))
    with world.start("--profile", "ordinary", program=program) as run:
        run.communicate(timeout=300)
    return run.returncode


@pytest.mark.parametrize("has_one", [True, False], ids=["a certificate that is due", "no certificate"])
def test_a_run_that_is_killed_at_any_step_harms_nothing(world: World, tmp_path: Path, has_one: bool) -> None:
    signer = keys.make_key()
    old = keys.certificate(world.key, signer=signer, left=timedelta(days=20)) + keys.authority(signer)
    if has_one:
        world.install(old)
    shutil.copytree(world.state, tmp_path / "before")
    numbers: list[tuple[str, int]] = []
    for kind in ("file", "any"):
        shutil.rmtree(world.state)
        shutil.copytree(tmp_path / "before", world.state)
        assert killed(world, kind, 0, tmp_path / "steps") == 0
        steps = (tmp_path / "steps").read_text().splitlines()
        assert len(steps) >= (6 if kind == "file" else 20), steps
        # The short form tries every step on files, and few others.
        every = 1 if THOROUGH or kind == "file" else len(steps) // 3
        numbers += [(kind, number) for number in range(1, len(steps) + 1, every)]
    for kind, number in numbers:
        shutil.rmtree(world.state)
        shutil.copytree(tmp_path / "before", world.state)
        # Nonces are refused at random, so a run may have fewer steps of any kind than the first one had.
        if killed(world, kind, number, tmp_path / "unused") == 0:
            assert kind == "any"
            continue
        what = f"killed before step {number} of {kind}"
        found = read_certificate(world.path)
        if found is not None and found.pem != old:
            world.verify()
        else:
            assert (found is not None) == has_one, what
        run = world.renew("--profile", "ordinary")
        assert (run.code, run.error) == (0, ""), what
        world.verify()
        assert world.challenges() == [], what
        assert world.kept()["succeeded"] is True, what
        assert {path.name for path in world.state.glob("*/*")} == {"certificate.pem"}, what


def test_a_killed_run_is_killed(world: World, tmp_path: Path) -> None:
    """The test above would also pass if nothing was ever killed."""
    assert killed(world, "any", 5, tmp_path / "steps") == -signal.SIGKILL
    assert not world.path.exists()
