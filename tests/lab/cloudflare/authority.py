"""A certificate authority of a few files, made with openssl(1), for the names that the edge serves."""

from __future__ import annotations

import subprocess
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

ROOT, ROOT_KEY = "root.pem", "root-key.pem"
Kind = Literal["right", "wrong name", "untrusted"]
_NEW = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
_LEAF = (
    "basicConstraints=critical,CA:FALSE",
    "keyUsage=critical,digitalSignature",
    "extendedKeyUsage=serverAuth",
)


def make_root(folder: Path) -> None:
    """Make the root and its key in this folder."""
    extension = ("-addext", "keyUsage=critical,keyCertSign")
    _openssl(
        folder,
        "-days",
        "365",
        "-subj",
        "/CN=Lab edge authority",
        *extension,
        "-keyout",
        ROOT_KEY,
        "-out",
        ROOT,
    )


@dataclass(frozen=True, slots=True)
class Authority:
    """Issues certificates from the root in `root`, and keeps them in `store`."""

    root: Path
    store: Path
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def pair_for(self, name: str, kind: Kind = "right") -> tuple[Path, Path]:
        """A certificate for the name, and its key.

        `wrong name`: it is for another name. `untrusted`: it is signed by itself, not by this authority.
        """
        stem = f"{name}-{kind.replace(' ', '-')}"
        pair = self.store / f"{stem}.pem", self.store / f"{stem}-key.pem"
        with self._lock:
            if not pair[0].exists():
                subject = f"other.{name}" if kind == "wrong name" else name
                extensions = [f"subjectAltName=DNS:{subject}", *_LEAF]
                added = [word for each in extensions for word in ("-addext", each)]
                issuer = ["-CA", str(self.root / ROOT), "-CAkey", str(self.root / ROOT_KEY)]
                signed = [] if kind == "untrusted" else issuer
                files = ["-keyout", pair[1].name, "-out", f"{pair[0].name}.new"]
                _openssl(self.store, "-days", "90", "-subj", f"/CN={subject[:64]}", *added, *signed, *files)
                (self.store / f"{pair[0].name}.new").replace(pair[0])
        return pair


def _openssl(folder: Path, *words: str) -> None:
    """Run `openssl req -x509` in the folder. Raises RuntimeError with what it says."""
    done = subprocess.run(
        ["openssl", "req", "-x509", *_NEW, *words], cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"openssl req: {done.stderr.strip()}")
