"""Debian's packages for a machine, which reaches no mirror. They are fetched here, and kept in the cache."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from tests.lab.errors import LabError
from tests.lab.machines.image import OPTIONS, SUITE, Image, cache
from tests.lab.machines.machine import Machine


def install(machine: Machine, image: Image, *packages: str, suite: str = SUITE) -> None:
    """Install packages of a suite on a machine of this image, with what they need and the image lacks.

    Raises LabError.
    """
    debs = fetched(image, *packages, suite=suite)
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for path in debs:
            tar.add(path, path.name)
    machine.write("/var/tmp/packages.tar", out.getvalue())
    machine.run(
        "mkdir -p /var/tmp/packages && cd /var/tmp/packages && tar -xf ../packages.tar && "
        "DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install ./*.deb && "
        "rm -r /var/tmp/packages /var/tmp/packages.tar"
    )


def offer(machine: Machine, image: Image, *packages: str) -> None:
    """Put packages, with what they need, into the repository of a machine of the image `debian`.

    The machine installs them itself, with their scripts, as from a mirror. Raises LabError.
    """
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for path in fetched(image, *packages):
            tar.add(path, path.name)
    machine.write("/var/tmp/packages.tar", out.getvalue())
    machine.run(
        "cd /srv/packages && tar -xf /var/tmp/packages.tar && rm /var/tmp/packages.tar && for p in *.deb; do "
        'dpkg-deb --field "$p"; echo "Filename: ./$p"; echo "Size: $(stat -c %s "$p")"; '
        'echo "SHA256: $(sha256sum "$p" | cut -d" " -f1)"; echo; done > Packages'
    )


def root(suite: str, *packages: str) -> Path:
    """The root of a Debian of this suite with these packages, made once and kept. Raises LabError."""
    kept = cache().with_name("packages") / f"{suite}-root-{'-'.join(packages)}"
    if not kept.is_dir():
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept.parent) as folder:
            made = Path(folder, "root")
            command = ["mmdebstrap", *OPTIONS, f"--include={','.join(packages)}", suite, str(made)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                said = done.stderr.strip().splitlines()
                raise LabError(f"{' '.join(packages)} of {suite} cannot be had: {' '.join(said[-2:])}")
            made.rename(kept)
    os.utime(kept)
    return kept


def fetched(image: Image, *packages: str, suite: str = SUITE) -> list[Path]:
    """The .deb files of the packages, and of what they need and the image lacks. Raises LabError."""
    kept = cache().with_name("packages") / f"{suite}-{'-'.join(packages)}-{image.name}-{image.digest}"
    if not kept.is_dir():
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept.parent) as folder:
            _fetch(Path(folder), image, packages, suite)
            found = Path(folder, "found")
            found.mkdir()
            for deb in Path(folder, "archives").glob("*.deb"):
                deb.rename(found / deb.name)
            shutil.rmtree(kept, ignore_errors=True)
            found.rename(kept)
    os.utime(kept)
    return sorted(kept.glob("*.deb"))


def _fetch(folder: Path, image: Image, packages: tuple[str, ...], suite: str) -> None:
    """Let apt work in a folder of its own, and take the packages of the image for the installed ones."""
    for name in ("lists/partial", "archives/partial"):
        (folder / name).mkdir(parents=True)
    (folder / "sources.list").write_text(f"deb http://deb.debian.org/debian {suite} main\n")
    options = {
        "Dir::Etc::sourcelist": folder / "sources.list",
        "Dir::Etc::sourceparts": "-",
        "Dir::State::lists": folder / "lists",
        "Dir::State::status": image.root / "var/lib/dpkg/status",
        "Dir::Cache": folder,
        "Dir::Cache::archives": folder / "archives",
        # The release file of a suite that still changes is often older than its date of expiry.
        "Acquire::Check-Valid-Until": "false",
        "Acquire::Languages": "none",
        "APT::Sandbox::User": "root",
        "Debug::NoLocking": "true",
    }
    apt = ["apt-get", "-q", "-y", *(f"--option={key}={value}" for key, value in options.items())]
    for command in (["update"], ["install", "--download-only", "--no-install-recommends", *packages]):
        done = subprocess.run([*apt, *command], capture_output=True, text=True, check=False)
        if done.returncode:
            said = (done.stderr.strip() or done.stdout.strip()).splitlines()
            raise LabError(f"{' '.join(packages)} of {suite} cannot be fetched: {' '.join(said[-2:])}")
