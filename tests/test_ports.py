"""A port that one process of the tests was given is not given to another one as long as the first runs."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests import ports
from tests.deploys import ROOT

TAKE = """
import sys
from tests import ports
ports._PORTS = range(int(sys.argv[1]), int(sys.argv[1]) + 2)
print(ports.free_port(), flush=True)
sys.stdin.read()
"""


def test_two_processes_are_given_two_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    first = 32_100 + 2 * (os.getpid() % 300)  # Nobody else is given these.
    monkeypatch.setattr(ports, "_PORTS", range(first, first + 2))
    ours = ports.free_port()
    with subprocess.Popen(
        [sys.executable, "-c", TAKE, str(first)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout
        assert {ours, int(other.stdout.readline())} == {first, first + 1}
        with pytest.raises(OSError, match="no free port"):
            ports.free_port()
        other.communicate("")
