"""Modules are compiled once for all processes that the tests start, and not once for each."""

from __future__ import annotations

import os
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / ".venv" / "bytecode"


def keep() -> None:
    """Let this process and those that it starts keep what they compile, in a folder of its own.

    Containers often set PYTHONDONTWRITEBYTECODE, so that nothing is written beside the source. Each of some
    hundred runs of pyinfra would then compile the same modules anew, which is more than half of its CPU time.
    Where the variable is not set, Python keeps them itself.
    """
    if os.environ.pop("PYTHONDONTWRITEBYTECODE", None):
        os.environ["PYTHONPYCACHEPREFIX"] = sys.pycache_prefix = str(FOLDER)
        sys.dont_write_bytecode = False
