"""Where the dependencies come from: locks with hashes, made with a cooldown, and audited."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.house.rooms import ROOT

LOCKS = sorted(ROOT.glob("requirements*.lock"))


def printed(*arguments: str) -> str:
    """What `make` prints. It is run as from a shell, also if these tests are run by `make`."""
    shell = {
        name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")
    }
    done = subprocess.run(
        ["make", *arguments], cwd=ROOT, env=shell, capture_output=True, text=True, check=True
    )
    return done.stdout


def commands(target: str, *more: str) -> list[str]:
    """The commands that `make` would run for the target, a line each. `more` are other arguments of `make`.

    The environments count as there, unless `-B` is among the arguments.
    """
    old = [] if "-B" in more else ["-o", ".venv/.ready", "-o", ".venv/.developer"]
    return printed("-n", *old, target, *more).replace("\\\n", " ").splitlines()


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_requirement_of_a_lock_has_one_version_and_its_hashes(lock: Path) -> None:
    requirements = lock.read_text().replace("\\\n", " ").splitlines()
    assert requirements
    for each in requirements:
        assert re.fullmatch(r"\S+==\S+( ; [^;]+?)?(\s+--hash=sha256:[0-9a-f]{64})+", each), each


def test_every_lock_is_made_with_a_cooldown_and_is_audited() -> None:
    made = [line for line in commands("lock") if "uv pip compile" in line]
    assert {line.split()[-1] for line in made} == {lock.name for lock in LOCKS}
    assert all('--exclude-newer "7 days"' in line for line in made)
    audit = " ".join(commands("audit"))
    assert "in requirements*.lock" in audit
    assert "--strict" in audit, "a dependency that could not be looked up must not pass"
