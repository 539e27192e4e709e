"""What the lab needs is installed once, however many runs of tests begin at the same time."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deploys import ROOT
from tests.lab.machines.machine import DEADLINE

# It stands for apt-get, and fails as apt-get does if another one runs.
APT = """#!/bin/sh
PATH=/usr/bin:/bin
mkdir "{folder}/held" 2>/dev/null || {{ echo "E: Could not get lock" >&2; exit 100; }}
echo "$*" >> "{folder}/said"
sleep 0.3
case "$*" in *install*) for each in mmdebstrap systemd-nspawn ip ssh ssh-keygen; do
  printf '#!/bin/sh\\n' > "{folder}/$each"; chmod +x "{folder}/$each"; done;; esac
rmdir "{folder}/held"
"""
ENSURE = """
from pathlib import Path
from tests.lab import prerequisites
prerequisites.KEYRING, prerequisites.LOCK = Path("/"), Path("{folder}/lock")
prerequisites.ensure(print)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root installs")
def test_two_runs_at_once_install_once_and_neither_fails(tmp_path: Path) -> None:
    (tmp_path / "apt-get").write_text(APT.format(folder=tmp_path))
    (tmp_path / "apt-get").chmod(0o755)
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", ENSURE.format(folder=tmp_path)],
            cwd=ROOT,
            env={**os.environ, "PATH": str(tmp_path)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    said = [run.communicate(timeout=DEADLINE)[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0]
    assert sorted(bool(text) for text in said) == [False, True]
    assert [line.split()[1] for line in (tmp_path / "said").read_text().splitlines()] == ["update", "-y"]
