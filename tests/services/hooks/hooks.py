"""A hook in a folder of its own: its queue with messages, its configuration, and its process."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tomli_w

from services.hooks.messages.envelope import boxes
from services.hooks.messages.reader import Reader
from tests.house.rooms import ROOT

KEY = bytes(range(32))
SECRET = f"whsec_{base64.b64encode(KEY).decode()}"
BOX = "alice@example.test"
TRACE = (
    "Return-Path: <{sender}>\r\nDelivered-To: {box}\r\n{above}"
    "Received: from mail.sender.test ([192.0.2.1])\r\n\tby mx1.example.test (Letterbox) with ESMTPS\r\n"
    "\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384)\r\n\tid {identity}\r\n"
    "\tfor <sales@example.test>;\r\n\tSun, 22 Nov 2026 15:00:00 +0000\r\n"
)
PLAIN = b"From: Zoe <zoe@sender.test>\r\nSubject: an order\r\n\r\nTwo apples.\r\n"


class Hook:
    """A hook. `configuration` is its TOML."""

    def __init__(self, folder: Path, **configuration: object) -> None:
        self.queue = folder / ".hooks" / "orders"
        self.pending, self.dead = self.queue / "pending", self.queue / "dead"
        self.kept = self.queue / "state"
        for each in (self.pending, self.dead, self.kept, folder / "credentials"):
            each.mkdir(parents=True, exist_ok=True)
        self.config, self.credentials = folder / "orders.toml", folder / "credentials"
        self.config.write_text(tomli_w.dumps(configuration))
        (self.credentials / "secret").write_text(SECRET)
        self.log = folder / "log"
        self._count = 0

    def store(
        self,
        content: bytes = PLAIN,
        *,
        arrived: float | None = None,
        sender: str = "zoe@sender.test",
        above: str = "",
    ) -> str:
        """Put a message into the queue as the receiver does, and return its name there."""
        self._count += 1
        identity = f"M{self._count:06}P1Q1Rabcdef01"
        seconds = int(time.time() if arrived is None else arrived)
        digits = hashlib.sha256(BOX.encode()).hexdigest()[:8]
        name = f"{seconds}.{identity}.mx1.example.test.{digits}"
        trace = TRACE.format(sender=sender, box=BOX, identity=identity, above=above)
        written = self.queue / "written"
        written.write_bytes(trace.encode() + content)
        written.rename(self.pending / name)
        return name

    def names(self) -> set[str]:
        return {each.name for each in self.pending.iterdir()}

    def command(self, *program: str) -> list[str]:
        arguments = ("--config", self.config, "--queue", self.queue, "--credentials", self.credentials)
        return [sys.executable, *(program or ("-m", "services.hooks")), *map(str, arguments)]

    @contextlib.contextmanager
    def running(self) -> Iterator[subprocess.Popen[bytes]]:
        """Run it. At the end it must still run, and is ended by SIGTERM. The file `log` gets its lines."""
        with (
            self.log.open("a") as log,
            subprocess.Popen(self.command(), cwd=ROOT, stderr=log) as process,
        ):
            try:
                yield process
                assert process.poll() is None, self.log.read_text()
            finally:
                process.terminate()

    def run(self) -> subprocess.CompletedProcess[str]:
        """Run it until it ends by itself."""
        return subprocess.run(
            self.command(), cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
        )

    def state(self) -> dict[str, Any]:
        """What its state.json says; empty if there is none yet."""
        try:
            return json.loads((self.kept / "state.json").read_text())
        except FileNotFoundError:
            return {}


def reader(max_raw: int = 262_144, longest: float = 30.0) -> Reader:
    """A reader of messages, whose child runs as that of the program."""
    words = ("-m", "services.hooks", "--config", "none", "--queue", "none", "--read-messages")
    return Reader([sys.executable, *words], max_raw, boxes([BOX]), longest)
