"""What a release of a program is made of, and building it on the control machine.

A release is keyed by everything that decides its content: the host's Python and architecture, the locked
dependencies with their hashes, and the receiver's source. The key needs no build, so a deploy with nothing to
do builds nothing. The same key always means the same octets, because hatchling's wheel and the archive are
reproducible. The host gets a finished archive: it needs no internet, no pip and no compiler.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

from provision.desired.programs import BUCKET as BUCKET
from provision.desired.programs import HEARTBEAT as HEARTBEAT
from provision.desired.programs import HOOKS as HOOKS
from provision.desired.programs import LIFECYCLE as LIFECYCLE
from provision.desired.programs import RECEIVER as RECEIVER
from provision.desired.programs import RENEWAL as RENEWAL
from provision.desired.programs import RESOLVER as RESOLVER
from provision.desired.programs import Program as Program

PROJECT = Path(__file__).resolve().parents[2]
_RECIPE = "1"  # raise when the layout of a release changes
_ARCHITECTURES = ("x86_64", "aarch64")
_OLDEST_PYTHON = (3, 11)

SECRETS = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "CLOUDFLARE_API_TOKEN",
    "LETTERBOX_CERTIFICATE_TOKEN",
    "LETTERBOX_HEARTBEAT_",
    "LETTERBOX_HOOK_",
)
"""What the variables of the environment begin with that no program gets which this machine starts."""


class BuildError(Exception):
    """The release could not be built. `str` is one line: the thing, the cause, and the fix."""


@dataclass(frozen=True, slots=True)
class Platform:
    """What a release is built for: Python as `3.14`, machine as `uname -m` prints it."""

    python: str
    machine: str

    def check(self) -> None:
        """Raises BuildError if no release can be built for it."""
        if self.machine not in _ARCHITECTURES:
            needed = " or ".join(_ARCHITECTURES)
            raise BuildError(f"architecture {self.machine or 'unknown'}: the receiver needs {needed}")
        major, _, minor = self.python.partition(".")
        if (int(major or 0), int(minor or 0)) < _OLDEST_PYTHON:
            oldest = ".".join(map(str, _OLDEST_PYTHON))
            raise BuildError(f"Python {self.python or 'missing'}: the receiver needs {oldest} or later")


def digest(platform: Platform, program: Program = RECEIVER) -> str:
    """The key of the program's release of this checkout for a platform: 16 hexadecimal digits."""
    content = hashlib.sha256(f"{_RECIPE} {platform.python} {platform.machine}\n{program.launcher}".encode())
    locks = (PROJECT / program.lock,) if program.lock else ()
    named = (*locks, PROJECT / "pyproject.toml", PROJECT / "LICENSE")
    for path in (*named, *sources(program)):
        content.update(f"{path.relative_to(PROJECT)}\0".encode())
        content.update(hashlib.sha256(path.read_bytes()).digest())
    return content.hexdigest()[:16]


def sources(program: Program) -> list[Path]:
    """The modules of this checkout that a program is made of."""
    places = [PROJECT / each for each in (program.folder, *program.also)]
    return sorted(path for place in places for path in ([place] if place.is_file() else place.rglob("*.py")))


def archive(platform: Platform, program: Program = RECEIVER) -> bytes:
    """The release as a gzipped tar of `bin/` and `lib/`, kept in the cache between runs.

    Raises BuildError if there is no release for this platform, or a dependency cannot be fetched.
    """
    platform.check()
    kept = cache("releases") / f"{digest(platform, program)}.tar.gz"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept.parent) as folder:
            tree = Path(folder, "release")
            _build(platform, program, tree)
            packed = Path(folder, "archive")
            packed.write_bytes(_pack(tree))
            packed.replace(kept)
    return kept.read_bytes()


def cache(name: str) -> Path:
    """The folder of this name in our cache. It may not be there yet."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base, "letterbox", name)


def _build(platform: Platform, program: Program, tree: Path) -> None:
    if program.lock:
        _install(platform, program, tree)
    if program == RECEIVER:
        wheels = tree.with_name("wheel")
        run(
            "wheel of the receiver",
            [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(wheels)],
        )
        (wheel,) = wheels.glob("*.whl")
        shutil.unpack_archive(wheel, tree / "lib", format="zip")
    else:
        for source in sources(program):
            copied = tree / "lib" / source.relative_to(PROJECT)
            copied.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, copied)
    for unwanted in (*tree.glob("lib/bin"), *tree.rglob("__pycache__"), *tree.glob("lib/.*")):
        shutil.rmtree(unwanted) if unwanted.is_dir() else unwanted.unlink()
    launcher = tree / "bin" / program.command
    launcher.parent.mkdir()
    launcher.write_text(program.launcher)


def _install(platform: Platform, program: Program, tree: Path) -> None:
    run(
        f"dependencies of {program.name}",
        [
            *(str(tool("uv")), "pip", "install", "--quiet", "--target", str(tree / "lib")),
            *("--python", sys.executable, "--python-version", platform.python),
            *("--python-platform", f"{platform.machine}-unknown-linux-gnu"),
            *("--only-binary", ":all:", "--require-hashes", "--requirement", str(PROJECT / program.lock)),
        ],
    )


def tool(name: str) -> Path:
    """A program of the Python environment that runs this. It need not be on PATH."""
    return Path(sysconfig.get_path("scripts"), name)


def without_secrets() -> dict[str, str]:
    """The environment for a program that this machine starts."""
    return {name: value for name, value in os.environ.items() if not name.startswith(SECRETS)}


def run(what: str, command: list[str]) -> None:
    """Run a command, which gets no token. Raises BuildError with the reason if it fails."""
    try:
        done = subprocess.run(command, cwd=PROJECT, env=without_secrets(), capture_output=True, text=True)
    except FileNotFoundError:
        raise BuildError(f"{what}: {command[0]} is missing: run `make setup`") from None
    if done.returncode:
        reason = (done.stderr or done.stdout).strip().splitlines() or ["no reason given"]
        raise BuildError(f"{what}: {' '.join(line.strip() for line in reason[-3:])}")


def _pack(tree: Path) -> bytes:
    """The tree as a tar in which nothing depends on when, where or by whom it was made."""
    out = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=out, mode="wb", mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w") as tar,
    ):
        for path in sorted(tree.rglob("*")):
            entry = tarfile.TarInfo(str(path.relative_to(tree)))
            if path.is_dir():
                entry.type, entry.mode = tarfile.DIRTYPE, 0o755
                tar.addfile(entry)
            else:
                content = path.read_bytes()
                entry.size, entry.mode = len(content), 0o755 if path.parent.name == "bin" else 0o644
                tar.addfile(entry, io.BytesIO(content))
    return out.getvalue()
