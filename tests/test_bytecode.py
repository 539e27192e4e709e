"""What processes of the tests compile is kept, but not beside the source if the environment forbids that."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deploys import ROOT

KEEP = """
import subprocess, sys
from pathlib import Path
from tests import bytecode
bytecode.FOLDER = Path("kept")
bytecode.keep()
subprocess.run([sys.executable, "-c", "import imported"], check=True)
"""


@pytest.mark.parametrize(
    ("variables", "where"),
    [({"PYTHONDONTWRITEBYTECODE": "1"}, "kept/**/imported.*.pyc"), ({}, "__pycache__/imported.*.pyc")],
)
def test_what_a_process_compiles_is_kept(tmp_path: Path, variables: dict[str, str], where: str) -> None:
    (tmp_path / "imported.py").write_text("")
    ours = {name: value for name, value in os.environ.items() if name != "PYTHONPYCACHEPREFIX"}
    environment = {**ours, **variables, "PYTHONPATH": f"{ROOT}:{tmp_path}"}
    subprocess.run([sys.executable, "-c", KEEP], cwd=tmp_path, env=environment, check=True)
    assert list(tmp_path.glob("**/imported.*.pyc")) == list(tmp_path.glob(where)) != []
