"""The names that versions 0.1 had for these programs work in this release too."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.deploys import ROOT


@pytest.mark.parametrize("program", ["doctor", "proof"])
def test_the_old_name_runs_the_program(program: str) -> None:
    old, new = (
        subprocess.run(
            [sys.executable, "-m", f"{room}.{program}", "--help"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        for room in ("provision", "first_mail")
    )
    assert (old.returncode, old.stdout, old.stderr) == (0, new.stdout, "")
    assert old.stdout.startswith(f"usage: python -m first_mail.{program} ")
