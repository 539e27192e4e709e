"""The machines' images: root file systems that mmdebstrap makes, kept between runs.

An image is keyed by a digest of all that it is built from: its recipe, what the recipes share, and the
options below. So a changed recipe makes a new image, and an unchanged one is never built twice. An image lies
unpacked in the cache. It is only used as the lower layer of a machine's overlay, so nothing writes to it.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import platform
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.lab.errors import LabError

RECIPES = Path(__file__).parents[1] / "images"
SYSTEMS = ("target", "debian")
"""The images that a target may be made of: a Fedora Server, or a Debian without Python."""
IMAGE_NAMES = (*SYSTEMS, "world")
SUITE = "forky"
OPTIONS = (
    "--verbose",
    "--mode=root",
    "--variant=minbase",
    "--format=directory",
    # The release file of a suite that still changes is often older than its date of expiry.
    '--aptopt=Acquire::Check-Valid-Until "false"',
    '--aptopt=Acquire::Languages "none"',
    "--dpkgopt=force-unsafe-io",
    "--dpkgopt=path-exclude=/usr/share/man/*",
    "--dpkgopt=path-exclude=/usr/share/doc/*",
    "--dpkgopt=path-exclude=/usr/share/locale/*",
)
# What mmdebstrap prints as it begins a step, the step in our words, and the share of the time before it.
STEPS = {
    "running apt-get update": ("fetching the package lists", 0.02),
    "downloading packages": ("downloading packages", 0.06),
    "extracting archives": ("unpacking the base", 0.25),
    "installing essential": ("setting up the base", 0.35),
    "installing remaining": ("installing packages", 0.50),
    "running --customize-hook": ("making it ours", 0.88),
    "cleaning package lists": ("tidying up", 0.96),
}
KEPT = 14 * 24 * 3600.0  # seconds for which an unused image is kept
Progress = Callable[[str, float], None]  # what is being done, and how much of the whole is done (0 to 1)


@dataclass(frozen=True, slots=True)
class Image:
    """What an image is built from: `images/<name>` and `images/common`."""

    name: str

    @property
    def recipe(self) -> Path:
        return RECIPES / self.name

    @property
    def digest(self) -> str:
        return digest_of(RECIPES / "common", self.recipe, salt=(SUITE, platform.machine(), *OPTIONS))

    @property
    def root(self) -> Path:
        """Where its files lie once it is built."""
        return cache() / f"{self.name}-{self.digest}"

    def is_built(self) -> bool:
        return self.root.is_dir()


def cache() -> Path:
    """The folder of images: `$XDG_CACHE_HOME/letterbox/images`."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    return home / "letterbox" / "images"


def digest_of(*folders: Path, salt: tuple[str, ...] = ()) -> str:
    """Sixteen hexadecimal digits over every file's path, mode and content, and the salt."""
    digest = hashlib.sha256("\0".join(salt).encode())
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_dir() and not path.is_symlink():
                continue
            content = str(path.readlink()).encode() if path.is_symlink() else path.read_bytes()
            executable = not path.is_symlink() and bool(path.stat().st_mode & 0o100)
            digest.update(repr((str(path.relative_to(folder)), executable, len(content))).encode())
            digest.update(content)
    return digest.hexdigest()[:16]


def packages(*recipes: Path) -> list[str]:
    """The Debian packages named in the recipes' `packages` files, one a line, `#` for comments.

    A line `-NAME` leaves out a package that an earlier recipe names.
    """
    lines = [line.strip() for recipe in recipes for line in (recipe / "packages").read_text().splitlines()]
    left_out = {line[1:] for line in lines if line.startswith("-")}
    return [line for line in lines if line and not line.startswith(("#", "-")) and line not in left_out]


def build(image: Image, progress: Progress) -> Path:
    """The root of the image, built if it is not there. This machine builds an image once at a time."""
    cache().mkdir(parents=True, exist_ok=True)
    with _locked(cache() / f"{image.name}.lock", lambda: progress("waiting for another build of it", 0.0)):
        if not image.is_built():
            part = image.root.with_suffix(".part")
            shutil.rmtree(part, ignore_errors=True)
            try:
                _mmdebstrap(image, part, progress)
                part.rename(image.root)
                _prune(image)
            finally:
                shutil.rmtree(part, ignore_errors=True)
    return image.root


def mark_used(image: Image) -> None:
    """Note that the image is used today, so that it is not pruned."""
    os.utime(image.root)


def _prune(image: Image) -> None:
    """Remove images of this name that were not used for a while. Every change of a recipe leaves one."""
    for old in cache().glob(f"{image.name}-*"):
        if old != image.root and time.time() - old.stat().st_mtime > KEPT:
            shutil.rmtree(old, ignore_errors=True)


def _mmdebstrap(image: Image, into: Path, progress: Progress) -> None:
    common = RECIPES / "common"
    roots = [folder / "root" for folder in (common, image.recipe) if (folder / "root").is_dir()]
    hooks = [f'cp -a {_quoted(folder)}/. "$1"/' for folder in roots]
    hooks += [f'{_quoted(folder / "setup.sh")} "$1"' for folder in (common, image.recipe)]
    command = [
        # However the build ends, nothing of it stays. It dies with this process; its processes, which have a
        # pid namespace of their own, die with it; and its mounts go with them.
        *("setpriv", "--pdeathsig=KILL"),
        *("unshare", "--mount", "--propagation=private", "--fork", "--pid", "--mount-proc", "--kill-child"),
        "mmdebstrap",
        *OPTIONS,
        f"--include={','.join(packages(common, image.recipe))}",
        *(f"--customize-hook={hook}" for hook in hooks),
        SUITE,
        str(into),
    ]
    log = cache() / f"{image.name}.log"
    reporter = _Reporter(progress)
    with log.open("w") as kept, _started(command) as building:
        assert building.stdout is not None
        for line in building.stdout:
            kept.write(line)
            reporter.take(line)
    if building.returncode != 0:
        lines = [line for line in log.read_text().splitlines() if line.startswith(("E:", "Err:"))]
        raise LabError(
            f"image {image.name}: {lines[0] if lines else f'mmdebstrap ended with {building.returncode}'}"
            f" (all it said is in {log}; is a Debian mirror within reach?)"
        )


def stop_builds() -> None:
    """End at once the builds that this process has begun."""
    for building in tuple(_building):
        building.kill()


_building: set[subprocess.Popen[str]] = set()


@contextmanager
def _started(command: list[str]) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as building:
        _building.add(building)
        try:
            yield building
        finally:
            _building.discard(building)
            if building.poll() is None and building.stdout and not building.stdout.closed:
                building.wait()


class _Reporter:
    """Turns the output of mmdebstrap and apt into steps, and the share of the whole that is done."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._step, self._from, self._to = "", 0.0, 0.0
        self._packages = self._seen = 0

    def take(self, line: str) -> None:
        for words, (step, share) in STEPS.items():
            if line.startswith("I:") and words in line:
                self._step, self._from, self._seen = step, share, 0
                self._to = min((later for _, later in STEPS.values() if later > share), default=1.0)
                self._progress(step, share)
        if found := re.search(r"(\d+) newly installed", line):
            self._packages = int(found[1])
        if self._packages and line.startswith(("Get:", "Unpacking ", "Setting up ")):
            self._seen += 1
            part = min(1.0, self._seen / (3 * self._packages))  # each is fetched, unpacked and set up
            self._progress(self._step, self._from + part * (self._to - self._from))


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "'\\''") + "'"


@contextmanager
def _locked(path: Path, waiting: Callable[[], None]) -> Iterator[None]:
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
