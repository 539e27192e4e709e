"""The fact, as `pyinfra … fact` imports it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from provision import host

ROOT = Path(host.__file__).resolve().parents[2]
MODULES = sorted(path.stem for path in Path(host.__file__).parent.glob("*.py") if path.stem != "__init__")


@pytest.mark.parametrize("module", MODULES)
def test_what_a_host_is_can_be_imported_with_dnspython_in_place_of_our_dns(module: str) -> None:
    """pyinfra appends the project's folder to sys.path, so that `dns` is dnspython."""
    program = f"""\
import sys
sys.path.append({str(ROOT)!r})
import dns, provision.host.{module}
print(dns.__file__)
"""
    done = subprocess.run([sys.executable, "-Ic", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not Path(done.stdout.strip()).is_relative_to(ROOT / "dns")
