"""A real bucket with its service, and hosts that pull from it and push into it. No host has a receiver."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from obstore.store import S3Store

from receiver.bucket.client import Client
from receiver.bucket.protocol import Copy, Sender
from receiver.mailbox import Mailbox
from receiver.transfer.window import HOUR
from tests.bucket.seaweed import Engine
from tests.receiver.processes import DEADLINE, ROOT, environment
from tests.waiting import wait_until

ALICE, BOB = Mailbox("example.test", "alice"), Mailbox("example.test", "bob")
_NUMBER = itertools.count(1)
_TABLES = '[domains."example.test"]\nmailboxes = ["alice", "bob"]\n'


@dataclass(frozen=True)
class Service:
    """A `letterbox-bucket` that runs."""

    process: subprocess.Popen[bytes]
    path: Path
    url: str

    def store(self, engine: Engine) -> S3Store:
        """The bucket itself, to spoil what is in it."""
        name, _, prefix = self.url.removeprefix(f"{engine.endpoint}/").partition("/")
        return S3Store(
            name, prefix=prefix, endpoint=engine.endpoint, access_key_id=engine.key,
            secret_access_key=engine.secret, region="auto", client_options={"allow_http": True},
        )  # fmt: skip

    def client(self) -> Client:
        return Client(self.path)


@contextlib.contextmanager
def service(
    folder: Path, engine: Engine, urls: Sequence[str], name: str = "bucket.sock"
) -> Iterator[Service]:
    """Run the service for a bucket until the context ends. It may be killed before."""
    path = folder / name
    path.unlink(missing_ok=True)
    config = folder / f"{name}.toml"
    config.write_text(f"urls = {json.dumps(list(urls))}\nallow_http = true\n")
    command = [sys.executable, "-m", "services.bucket", "--config", str(config), "--listen", str(path)]
    process = subprocess.Popen(
        [*command, "--key-from-stdin"], cwd=ROOT, env=environment(), stdin=subprocess.PIPE,
        stderr=(folder / f"{name}.log").open("ab"),
    )  # fmt: skip
    assert process.stdin
    process.stdin.write(f"{engine.key}\n{engine.secret}\n".encode())
    process.stdin.close()
    try:
        wait_until(lambda: _answers(path), lambda: (folder / f"{name}.log").read_text())
        yield Service(process, path, urls[0])
    finally:
        process.kill()
        process.wait()


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as probe:
        return probe.connect_ex(str(path)) == 0


@dataclass(frozen=True)
class Ran:
    """How a command ended, and what it printed."""

    code: int
    stdout: str
    stderr: str

    @property
    def said(self) -> dict[str, Any]:
        return json.loads(self.stdout)


@dataclass(frozen=True)
class Host:
    """A host: a mail folder and its letterbox.toml."""

    top: Path
    socket: Path
    tables: str = ""
    hostname: str = field(default="mx1.example.test")

    def __post_init__(self) -> None:
        self.top.mkdir(parents=True, exist_ok=True)
        self.configure(self.tables)

    @property
    def mail(self) -> Path:
        return self.top / "mail"

    def box(self, mailbox: Mailbox = ALICE) -> Path:
        return self.mail / mailbox.domain / mailbox.name

    @property
    def pending(self) -> Path:
        return self.mail / ".bucket" / "pending"

    def configure(self, tables: str) -> None:
        (self.top / "letterbox.toml").write_text(
            f'hostname = "{self.hostname}"\nmail = "{self.mail}"\n'
            f'[store]\npromise = "disk"\nsocket = "{self.socket}"\n{tables}\n{_TABLES}'
        )

    def command(self, command: str, *arguments: str) -> list[str]:
        config = str(self.top / "letterbox.toml")
        return [sys.executable, "-m", "receiver", command, "--config", config, *arguments]

    def run(self, command: str, *arguments: str) -> Ran:
        done = subprocess.run(
            self.command(command, *arguments), cwd=ROOT, env=environment(), capture_output=True,
            text=True, timeout=2 * DEADLINE,
        )  # fmt: skip
        return Ran(done.returncode, done.stdout, done.stderr)

    def pull(self, *arguments: str, code: int = 0) -> dict[str, Any]:
        ran = self.run("pull", "--json", *arguments)
        assert ran.code == code, ran
        return ran.said | {"errors": ran.stderr}

    def push(self, *arguments: str, code: int = 0) -> dict[str, Any]:
        ran = self.run("push", "--json", *arguments)
        assert ran.code == code, ran
        return ran.said | {"errors": ran.stderr}

    @contextlib.contextmanager
    def following(self, command: str, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run `pull --follow` or `push --follow` until the context ends. Its log is in `log`."""
        with (self.top / f"{command}.log").open("ab") as log:
            process = subprocess.Popen(
                self.command(command, "--follow", *arguments), cwd=ROOT, env=environment(), stderr=log
            )
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    def log(self, command: str) -> str:
        return (self.top / f"{command}.log").read_text()

    def files(self, mailbox: Mailbox = ALICE) -> dict[str, bytes]:
        """The messages of a mailbox by their names without flags. None may have two."""
        found = [
            path for path in self.box(mailbox).rglob("*") if path.is_file() and path.parent.name != "tmp"
        ]
        by_name = {path.name.partition(":")[0]: path.read_bytes() for path in found}
        assert len(by_name) == len(found), sorted(map(str, found))
        return by_name

    def store(
        self, content: bytes | None = None, mailbox: Mailbox = ALICE, *, part: str = "new",
        seconds: float | None = None, above: bytes = b"", waits: bool = False,
    ) -> Path:  # fmt: skip
        """Store a message as the receiver does. With `waits` it is in the queue for the bucket."""
        name, fields, octets, _ = message(content, mailbox, seconds, above, self.hostname)
        for each in ("tmp", "new", "cur"):
            (self.box(mailbox) / each).mkdir(parents=True, exist_ok=True)
        path = self.box(mailbox) / part / name
        path.write_bytes(fields + octets)
        path.chmod(0o400)
        if waits:
            from receiver.hook_queue import link_name

            self.pending.mkdir(parents=True, exist_ok=True)
            os.link(path, self.pending / link_name(name, mailbox))
        return path


def message(
    content: bytes | None = None, mailbox: Mailbox = ALICE, seconds: float | None = None, above: bytes = b"",
    hostname: str = "mx1.example.test",
) -> tuple[str, bytes, bytes, int]:  # fmt: skip
    """A message as the receiver makes it: file name, own fields, trace with content, octets of the trace."""
    number = next(_NUMBER)
    if content is None:
        content = (
            f"Message-ID: <{number}@sender.test>\r\nSubject: {number}\r\n\r\nHello {number}\r\n".encode()
        )
    identity = f"M{number:06d}P{os.getpid()}Q1Rabcdef01"
    fields = f"Return-Path: <zoe@sender.test>\r\nDelivered-To: {mailbox}\r\n".encode()
    trace = (
        above
        + (
            "Received: from sender.test ([192.0.2.1])\r\n\tby mx1.example.test (Letterbox) with ESMTP\r\n"
            f"\tid {identity}\r\n\tfor <{mailbox}>;\r\n\tSun, 22 Nov 2026 15:00:00 +0000\r\n"
        ).encode()
    )
    name = f"{int(time.time() if seconds is None else seconds)}.{identity}.{hostname}"
    return name, fields, trace + content, len(trace)


def put(
    client: Client, content: bytes | None = None, mailbox: Mailbox = ALICE, *, hour: str = "",
    sender: Sender = "unknown", above: bytes = b"",
) -> tuple[str, bytes]:  # fmt: skip
    """Put a message into the bucket as another host's receiver does. Returns its file's name and octets."""
    name, fields, octets, trace = message(content, mailbox, None, above, "mx2.example.test")
    client.put(name, [Copy(mailbox, fields)], octets, trace=trace, sender=sender, hour=hour)
    return name, fields + octets


def begin_in_an_hour(seconds: float) -> None:
    """Wait for the next hour if less than that is left of this one: each key has the hour of its PUT.

    So a message that two runs put, one before the end of an hour and one after it, may have two.
    """
    left = HOUR - time.time() % HOUR
    if left < seconds:
        time.sleep(left)


def keys(client: Client) -> list[str]:
    return [each.key for each in client.list("")]
