"""What the running service has loaded, for the deploy and the doctor: `/run/letterbox/loaded.json`.

A file on disk says what a service would load if it started now. This file says what it did load: the digest
of the configuration's octets, the release that it runs from, and the certificate in use. The service writes
it when it serves, and again when it has loaded a certificate, at SIGHUP for example. systemd makes the folder
(RuntimeDirectory= of systemd.exec(5)) and removes it when the service stops. Without such a folder nothing is
written.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from dataclasses import asdict, dataclass
from pathlib import Path

import receiver

FOLDER = Path("/run/letterbox")
FILE = "loaded.json"
_LONGEST = 4096  # octets
_RELEASE = re.compile(r"/releases/([^/]+)/lib/receiver/")


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a process has loaded. Digests are SHA-256 in hexadecimal."""

    configuration: str | None
    """Of the octets of letterbox.toml; None if there was no file."""
    release: str | None
    """The name of the folder in `/opt/letterbox/releases`; None if it does not run from a release."""
    certificate: str | None
    """Of the certificate in DER; None without TLS."""
    certificate_expires: str | None
    """When the certificate ends, as RFC 3339 in UTC."""
    pid: int
    """The main process of the service."""
    version: str


def release() -> str | None:
    """The release that this process runs from."""
    found = _RELEASE.search(str(Path(receiver.__file__).resolve()))
    return found[1] if found else None


def publish(loaded: Loaded) -> None:
    """Write the file, atomically, into the folder that systemd has made. Never raises."""
    folder = os.environ.get("RUNTIME_DIRECTORY", "").partition(":")[0]
    if not folder:
        return
    part = Path(folder, f".{FILE}.{os.getpid()}")
    with contextlib.suppress(OSError):
        part.write_text(json.dumps(asdict(loaded)) + "\n")
        part.replace(Path(folder, FILE))


def read(folder: Path = FOLDER) -> Loaded | None:
    """What the service says that it has loaded, or None if it says nothing that can be read.

    The file belongs to an unprivileged user, so no link is followed and little is read.
    """
    try:
        fd = os.open(folder / FILE, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(fd, "rb") as file:
            return parse(file.read(_LONGEST))
    except (OSError, ValueError):
        return None


def parse(octets: bytes) -> Loaded:
    """The file as a value. Raises ValueError for anything else."""
    table = json.loads(octets)
    if not isinstance(table, dict) or not isinstance(table.get("pid"), int):
        raise ValueError("it is no report of what is loaded")
    words = {
        name: str(table[name]) if table.get(name) is not None else None
        for name in ("configuration", "release", "certificate", "certificate_expires")
    }
    return Loaded(**words, pid=table["pid"], version=str(table.get("version", "")))
