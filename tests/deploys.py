"""Running the deploy on the lab as a user would: the real `pyinfra` command, in this checkout."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.lab.lab import Lab

ROOT = Path(__file__).resolve().parents[1]
PYINFRA = Path(sys.executable).with_name("pyinfra")


@dataclass(frozen=True)
class Run:
    """What a run of pyinfra said and how it ended."""

    code: int
    stdout: str
    stderr: str

    def changed(self) -> list[str]:
        """The operations that changed a host, or in a dry run would change one, in order. Needs `--json`."""
        said = json.loads(self.stdout)
        if said["results"] is None:
            return [step["name"] for step in said["plan"] if step["hosts_with_change"]]
        return [step["name"] for step in said["results"]["operations"] if step["success"] or step["error"]]

    def changed_now(self) -> list[str]:
        """The same without "Superseded generations": how many there are depends on the tests before."""
        return [name for name in self.changed() if name != "Superseded generations"]


def deploy(
    lab: Lab,
    *options: str,
    inventory: Path | None = None,
    script: str = "deploy.py",
    environment: Mapping[str, str | None] | None = None,
    checkout: Path = ROOT,
) -> Run:
    """Run `pyinfra OPTIONS INVENTORY deploy.py`. A variable of the environment that is None is left out."""
    variables = {**os.environ, **lab.environment, "PYINFRA_PROGRESS": "off", **(environment or {})}
    done = subprocess.run(
        [PYINFRA, *options, inventory or lab.inventory, script],
        cwd=checkout,
        env={key: value for key, value in variables.items() if value is not None},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    return Run(done.returncode, done.stdout, done.stderr)


def run_program(lab: Lab, *words: str) -> subprocess.CompletedProcess[str]:
    """Run `python -m WORDS…` of this checkout, such as dns.sync, on the lab."""
    return subprocess.run(
        [sys.executable, "-m", *words],
        cwd=ROOT,
        env={**os.environ, **lab.environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def copy_of_checkout(folder: Path) -> Path:
    """Copy what a deploy needs of this checkout, so that a test can change it."""
    for name in ("receiver", "dns", "provision", "files", "services"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for path in (*ROOT.glob("*.py"), *ROOT.glob("*.lock"), ROOT / "pyproject.toml", ROOT / "LICENSE"):
        shutil.copy(path, folder)
    return folder


@contextmanager
def greeting_whoever_comes(lab: Lab) -> Iterator[None]:
    """A target whose shell prints lines to every command over ssh: bash reads .bashrc then, too."""
    printed = 'echo Welcome!\\necho "##  uid"\\necho 0\\n'
    lab.target.run(f"cp -a /root/.bashrc /root/.bashrc.kept 2>/dev/null; printf '{printed}' > /root/.bashrc")
    try:
        assert lab.target.run("true").stdout.startswith("Welcome!")
        yield
    finally:
        lab.target.run("rm /root/.bashrc; mv /root/.bashrc.kept /root/.bashrc 2>/dev/null", check=False)
