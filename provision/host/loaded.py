"""What the running service says that it has loaded: `/run/letterbox/loaded.json`, read into a value.

The service belongs to an unprivileged user, so what it writes is checked like any other answer of the host.
`receiver/loaded.py` writes the file.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Loaded:
    """What the service has loaded. Digests are SHA-256 in hexadecimal."""

    configuration: str
    """Of the octets of letterbox.toml."""
    release: str
    """The name of the release's folder."""
    certificate: str
    """Of the certificate in DER; empty without TLS."""
    pid: int
    """The main process when this was written."""


def parse_loaded(lines: Iterable[str]) -> Loaded | None:
    """The file as a value, or None if the lines are no such file."""
    try:
        table = json.loads("\n".join(lines))
        words = {key: table.get(key) or "" for key in ("configuration", "release", "certificate")}
        pid = table["pid"]
    except (ValueError, LookupError, TypeError, AttributeError):
        return None
    if not isinstance(pid, int) or not all(isinstance(word, str) for word in words.values()):
        return None
    return Loaded(**words, pid=pid)
