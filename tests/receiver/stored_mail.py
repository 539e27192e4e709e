"""A mail folder with messages, as the receiver makes it, and running the reading commands on it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.receiver.processes import ROOT

TRACE = (
    "Return-Path: <zoe@sender.test>\r\nDelivered-To: {mailbox}@example.test\r\n{above}"
    "Received: from mail.sender.test ([192.0.2.1])\r\n\tby mx1.example.test (Letterbox) with ESMTPS\r\n"
    "\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384)\r\n\tid {identity}\r\n"
    "\tfor <{mailbox}@example.test>;\r\n\tSun, 22 Nov 2026 15:00:00 +0000\r\n"
)


class Mail:
    """A mail folder. `store` adds a message with our trace fields."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._seconds = int(time.time()) - 1000

    def store(
        self, content: bytes | str, mailbox: str = "alice", *, part: str = "new", above: bytes = b""
    ) -> Path:
        """Store a message. `above` are the fields that the checks put above our Received."""
        octets = content.replace("\n", "\r\n").encode() if isinstance(content, str) else content
        self._seconds += 1
        identity = f"M000001P1Q{self._seconds % 1000}Rabcdef01"
        box = self.folder / "example.test" / mailbox
        for name in ("tmp", "new", "cur"):
            (box / name).mkdir(parents=True, exist_ok=True)
        path = box / part / f"{self._seconds}.{identity}.mx1.example.test"
        written = box / "tmp" / path.name
        trace = TRACE.format(mailbox=mailbox, identity=identity, above=above.decode())
        written.write_bytes(trace.encode() + octets)
        return written.rename(path)

    def letterbox(self, command: str, *arguments: str, **options: Any) -> subprocess.CompletedProcess[bytes]:
        """Run `letterbox COMMAND --mail FOLDER ARGUMENTS` in a process of its own."""
        return subprocess.run(
            self.line(command, *arguments),
            cwd=ROOT,
            env={**os.environ, "TZ": "UTC", "NO_COLOR": ""},
            capture_output=True,
            timeout=120,
            check=False,
            **options,
        )

    def line(self, command: str, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "receiver", command, "--mail", str(self.folder), *arguments]

    def json(self, command: str, *arguments: str) -> list[dict[str, Any]]:
        """Run a command with --json, check that it ends with 0, and return what it printed."""
        done = self.letterbox(command, "--json", *arguments)
        assert done.returncode == 0, done.stderr.decode()
        return [json.loads(line) for line in done.stdout.splitlines()]
