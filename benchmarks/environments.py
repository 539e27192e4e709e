"""The Python environments of what is measured: ours as `make setup` makes it, and one for each other tool.

Every one is made once, in the cache folder, and may keep its bytecode, as it does for a user. Without that,
Python would compile every module in each run, which takes some 0.7 s of a deploy.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "letterbox", "peers")
_CONTROL = ROOT / "requirements-control.lock"


def environ(**more: str) -> dict[str, str]:
    """The environment variables of what is measured: those of this process, and those given.

    PYTHONDONTWRITEBYTECODE is taken out: each tool runs as it does where nobody has set it.
    """
    return {**{k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}, **more}


def control() -> Path:
    """The folder of programs of an environment with what a deploy needs, and no more."""
    digest = hashlib.sha256(_CONTROL.read_bytes()).hexdigest()[:16]
    return _made(f"control-{digest}", ["--require-hashes", "-r", str(_CONTROL)])


def peer(*packages: str) -> Path:
    """The folder of programs of an environment with these packages of other projects."""
    return _made("-".join(each.replace("==", "-") for each in packages), packages)


def _made(name: str, wanted: Sequence[str]) -> Path:
    home = _CACHE / name
    made = home / ".made"
    if not made.exists():
        print(f"Installing {name} into the cache (once)", file=sys.stderr)
        uv = Path(sys.executable).parent / "uv"
        _run([uv, "venv", "-q", "--clear", home])
        _run([uv, "pip", "install", "-q", "--python", home / "bin" / "python", *wanted])
        made.touch()
    return home / "bin"


def _run(command: Sequence[str | Path]) -> None:
    subprocess.run([str(word) for word in command], env=environ(), check=True)
