"""The whole path of a message under `promise = "bucket"`: SMTP, receiver, `letterbox-bucket`, a store."""

from __future__ import annotations

import contextlib
import hashlib
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from receiver.bucket import keys
from receiver.bucket.client import Client as BucketClient
from receiver.storage.bucket.puts import DEADLINE
from tests.bucket.gateway import Gateway, gateway
from tests.bucket.seaweed import Engine
from tests.bucket.service import Service
from tests.receiver.server import Server, start_server
from tests.receiver.wire import Client, content_of

LATEST = DEADLINE + 10  # seconds to the reply, whatever is broken, on a machine that may stand still


def table(socket: Path, promise: str = "bucket") -> str:
    return f'[store]\npromise = "{promise}"\nsocket = "{socket}"\n'


@dataclass
class Way:
    """The parts of one path. Each of them may be ended, stopped and started again by a test."""

    gate: Gateway
    service: Service
    server: Server

    def objects(self) -> dict[str, bytes]:
        """All objects in the bucket by their keys."""
        with BucketClient(self.service.socket) as client:
            found = {}
            for each in client.list(""):
                with client.get(each.key)[1] as file:
                    found[each.key] = file.read()
            return found

    def contents(self, mailbox: str) -> list[str]:
        """The digests of what was sent, of each object of a mailbox at example.test."""
        return sorted(
            hashlib.sha256(content_of(octets)).hexdigest()
            for key, octets in self.objects().items()
            if (parsed := keys.parse(key)) and str(parsed.mailbox) == f"{mailbox}@example.test"
        )


@contextlib.contextmanager
def path(
    folder: Path,
    engine: Engine,
    *,
    bucket: str | None = None,
    start: Callable[..., Server] | None = None,
    with_service: bool = True,
    **settings: object,
) -> Iterator[Way]:
    """Run a path into a bucket of its own, named by the folder. `settings` are those of the server."""
    name = bucket or f"b{hashlib.sha256(str(folder).encode()).hexdigest()[:20]}"
    engine.make_bucket(name)
    with gateway(engine.endpoint) as gate:
        service = Service(folder / "service", [gate.url(name)], engine.key, engine.secret)
        if with_service:
            service.start()
        place = folder / "receiver"
        place.mkdir(exist_ok=True)
        hooks = str(settings.pop("hooks", "")) + table(service.socket)
        server = (start or start_server)(place, hooks=hooks, **settings)
        try:
            yield Way(gate, service, server)
        finally:
            server.stop()
            if service.process:
                service.end(9)


def message(body: bytes, identifier: str | None = None) -> bytes:
    """A message of whole lines, with a Message-ID if one is given."""
    head = f"Message-ID: <{identifier}>\r\n" if identifier else ""
    return b"From: a@sender.test\r\n" + head.encode() + b"Subject: x\r\n\r\n" + body + b"\r\n"


def send(port: int, content: bytes, *recipients: str, sender: str = "<a@sender.test>") -> str:
    """Send a message over a connection of its own. Returns the reply to its end."""
    with Client(port) as client:
        client.expect(220)
        client.ask("EHLO client.test", 250)
        client.begin(*recipients, sender=sender)
        client.send(content + b".\r\n")
        return client.reply()


@dataclass
class Load:
    """Senders that behave as an MTA does: what is refused for now, or cut off, is sent until it is taken."""

    port: int
    recipients: tuple[str, ...] = ("alice@example.test", "bob@example.test")
    acknowledged: set[str] = field(default_factory=set)  # digests of contents
    replies: Counter[str] = field(default_factory=Counter)  # by their first five characters
    slowest: float = 0.0  # seconds to a reply
    over: bool = False  # whether nothing new is sent

    def start(self, senders: int, sizes: tuple[int, ...]) -> list[threading.Thread]:
        threads = [
            threading.Thread(target=self._send, args=(each, sizes), daemon=True) for each in range(senders)
        ]
        for each in threads:
            each.start()
        return threads

    def _send(self, sender: int, sizes: tuple[int, ...]) -> None:
        number = 0
        while not self.over:
            number += 1
            body = (b"%d %d " % (sender, number)).ljust(sizes[number % len(sizes)], b"x")
            content = message(b"\r\n".join(_lines(body)), f"{sender}.{number}@load.test")
            while not self._sent(content):
                time.sleep(0.1)

    def _sent(self, content: bytes) -> bool:
        began = time.monotonic()
        try:
            reply = send(self.port, content, *self.recipients)
        except (OSError, EOFError):
            self.replies["lost"] += 1
            return False
        self.slowest = max(self.slowest, time.monotonic() - began)
        self.replies[reply[:5]] += 1
        if not reply.startswith("250"):
            return False
        self.acknowledged.add(hashlib.sha256(content).hexdigest())
        return True


def _lines(octets: bytes) -> Iterator[bytes]:
    for at in range(0, len(octets), 900):
        yield octets[at : at + 900]
