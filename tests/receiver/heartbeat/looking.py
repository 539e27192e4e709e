"""Running `letterbox heartbeat-look` as its socket unit does, and speaking to it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from receiver.one_time import HEARTBEAT_MAILBOX
from tests.receiver.processes import ROOT, environment
from tests.receiver.server import Server

CONTENT = "From: <heartbeat@letterbox.invalid>\r\nSubject: Letterbox heartbeat\r\n\r\n5f3c\r\n"


def make_box(mail: Path, domain: str = "example.test") -> Path:
    """Make the Maildir of the test messages, as the deploy does."""
    box = mail / domain / HEARTBEAT_MAILBOX
    for part in ("tmp", "new", "cur"):
        (box / part).mkdir(parents=True, mode=0o700, exist_ok=True)
    return box


class Looking:
    """A running `letterbox heartbeat-look`, and its first line."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self.first: Mapping[str, Any] = self.read()
        self.address = str(self.first.get("address"))
        self.findings = {each["name"]: each for each in self.first["findings"]}

    def read(self) -> Any:
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())

    def take(self, content: str) -> Any:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"content": content}).encode() + b"\n")
        self.process.stdin.flush()
        return self.read()


@contextmanager
def look(config: Path) -> Iterator[Looking]:
    command = [sys.executable, "-m", "receiver", "heartbeat-look", "--config", str(config)]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        try:
            yield Looking(process)
        finally:
            process.kill()


def send(server: Server, *recipients: str, code: int | str = "250 2.0.0", content: str = CONTENT) -> str:
    with server.client() as client:
        client.begin(*recipients)
        client.send(content.encode() + b".\r\n")
        return client.expect(code)
