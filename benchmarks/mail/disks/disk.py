"""A disk of its own: a fresh file system in a file, mounted. Root only."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.mail.errors import Broken
from tests.conformance.peers import unpacked

# The program that makes each, and its Debian package, which is unpacked if this system lacks the program.
KINDS = {
    "ext4": (("mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0"), "e2fsprogs"),
    "xfs": (("mkfs.xfs", "-q"), "xfsprogs"),
    "btrfs": (("mkfs.btrfs", "-q"), "btrfs-progs"),
}
_OCTETS = 4 << 30


@contextlib.contextmanager
def disk(kind: str, folder: Path) -> Iterator[Path]:
    """Mount a new file system of one of KINDS, and yield its mount point. Raises Broken."""
    image, mount = folder / f"{kind}.img", folder / kind
    with image.open("wb") as file:
        file.truncate(_OCTETS)
    make(kind, image)
    mount.mkdir()
    done = subprocess.run(
        ["mount", "-t", kind, "-o", "loop", str(image), str(mount)], capture_output=True, text=True
    )
    if done.returncode:
        # Checked only now, because mounting may load the module of the kernel.
        known = f"\t{kind}\n" in Path("/proc/filesystems").read_text()
        raise Broken(" ".join(done.stderr.split()) if known else f"this kernel has no {kind}")
    mount.chmod(0o755)
    try:
        yield mount
    finally:
        subprocess.run(["umount", "--lazy", str(mount)], check=True)
        image.unlink()


def make(kind: str, image: Path) -> None:
    """Make a file system of one of KINDS in an existing file. Raises Broken."""
    words, package = KINDS[kind]
    if shutil.which(words[0]):
        _run([*words, str(image)])
        return
    root = unpacked(package, package)
    with contextlib.ExitStack() as mounted:
        # These mounts exist in this namespace only. They keep the unpacked root, which others use, unchanged.
        for source, place in ((image.parent, "tmp"), ("/proc", "proc"), ("/dev", "dev")):
            _run(["mount", "--bind", str(source), str(root / place)])
            mounted.callback(_run, ["umount", str(root / place)])
        _run(["chroot", str(root), *words, f"/tmp/{image.name}"])


def _run(command: Sequence[str]) -> None:
    path = os.environ["PATH"] + ":/usr/sbin:/sbin:/usr/bin:/bin"
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"PATH": path})
    if done.returncode:
        raise Broken(f"{' '.join(command)}: {' '.join(done.stderr.split()) or done.returncode}")
