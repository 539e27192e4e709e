"""Running `letterbox proof` and sending mail to its address."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.receiver.processes import ROOT, environment
from tests.receiver.server import Server


@contextmanager
def proof(config: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A waiting `letterbox proof --json`, and its address."""
    command = [sys.executable, "-m", "receiver", "proof", "--config", str(config), "--json", *arguments]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        try:
            yield process, next_event(process)["address"]
        finally:
            process.kill()


def next_event(process: subprocess.Popen[bytes]) -> Any:
    assert process.stdout is not None
    return json.loads(process.stdout.readline())


def reply_to(server: Server, address: str) -> str:
    """What the receiver says to the recipient."""
    with server.client() as client:
        client.ask("MAIL FROM:<zoe@sender.test>", 250)
        client.say(f"RCPT TO:<{address}>")
        return client.reply()


MESSAGE = "From: =?utf-8?Q?Zo=C3=AB?= <zoe@sender.test>\r\nSubject: first\r\n\r\nhello \x1b[2J\r\n"


def send(server: Server, address: str) -> str:
    with server.client() as client:
        client.starttls()
        client.ask("EHLO client.test", 250)
        client.begin(address)
        client.send(MESSAGE.encode() + b".\r\n")
        return client.reply()


def listed(config: Path) -> bytes:
    command = [sys.executable, "-m", "receiver", "list", "--config", str(config)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout
