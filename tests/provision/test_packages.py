"""Installing packages: what another package manager holds is waited for, and what failed is shown."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from provision import system


def run(folder: Path, *said: str) -> subprocess.CompletedProcess[str]:
    """Run a package manager that fails with each of these words in turn, and works then."""
    manager = folder / "manager"
    lines = "".join(f"{number}) echo '{words}' >&2; exit 1;;\n" for number, words in enumerate(said, 1))
    manager.write_text(
        f"#!/bin/sh\necho x >> {folder}/tries\ncase $(wc -l < {folder}/tries) in\n{lines}esac\n"
    )
    manager.chmod(0o755)
    shell = system.once_unlocked(str(manager), pause=0.01)
    return subprocess.run(["sh", "-c", shell], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    "words",
    [
        "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 812 (apt-get)",
        "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 812 (unattended-upgr)",
        "Failed to obtain rpm transaction lock. Another transaction is in progress.",
        "Another transaction is running",
    ],
)
def test_a_lock_is_waited_for(tmp_path: Path, words: str) -> None:
    done = run(tmp_path, words, words)
    assert done.returncode == 0, done.stderr
    assert len((tmp_path / "tries").read_text().splitlines()) == 3


def test_another_failure_is_shown_at_once(tmp_path: Path) -> None:
    done = run(tmp_path, "E: Unable to find package openssl", "never")
    assert (done.returncode, done.stderr.strip()) == (1, "E: Unable to find package openssl")
    assert len((tmp_path / "tries").read_text().splitlines()) == 1
