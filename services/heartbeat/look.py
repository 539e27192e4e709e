"""The client of `letterbox heartbeat-look`, which systemd starts for the connection."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from services.heartbeat.findings import Finding, parse_finding

SECONDS = 20.0
_LONGEST = 65_536  # octets of an answer


class NoAnswer(Exception):
    """It does not answer, or not in its own form. `str(e)` is the cause."""


class Look:
    """A connection. Its one-time address exists as long as it is open."""

    def __init__(self, path: Path) -> None:
        """Connect, and read the first line. Raises NoAnswer."""
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(SECONDS)
        try:
            self._socket.connect(str(path))
            self._lines = self._socket.makefile("rb")
            first = self._read()
            self.findings = [parse_finding(each) for each in _list(first.get("findings"))]
        except (OSError, ValueError) as error:
            self._socket.close()
            raise NoAnswer(f"{path}: {getattr(error, 'strerror', None) or error}") from None
        except NoAnswer:
            self._socket.close()
            raise
        self.address = str(first.get("address") or "")
        """The recipient of test messages. Empty if there can be none; the findings say why."""
        self.hostname = str(first.get("hostname") or "")
        self.starttls = first.get("starttls") is not False

    def __enter__(self) -> Look:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lines.close()
        self._socket.close()

    def take(self, content: str) -> Finding:
        """Let it find the message with this content as a file, and remove it. Raises NoAnswer."""
        try:
            self._socket.sendall(json.dumps({"content": content}).encode() + b"\n")
            return parse_finding(self._read())
        except (OSError, ValueError) as error:
            raise NoAnswer(str(getattr(error, "strerror", None) or error)) from None

    def _read(self) -> Mapping[str, object]:
        line = self._lines.readline(_LONGEST)
        if not line:
            raise NoAnswer("it hung up: see `journalctl -u 'letterbox-heartbeat-look@*'`")
        value = json.loads(line)
        if not isinstance(value, Mapping):
            raise ValueError("the answer is no object")
        return value


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
