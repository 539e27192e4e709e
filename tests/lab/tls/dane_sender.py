"""A sender that does DANE (RFC 7672): a second Postfix in the world, beside the stranger's that does not.

It asks the validating resolver. Where TLSA records are proved for a mail host, it delivers to no other key,
and defers. Where there are none, or the zone is not signed, it encrypts without proof if it can.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.lab.tls import signing
from tests.lab.world import STRANGER, World

PORT = 2525
"""Where it takes mail from programs in the world."""
_MESSAGE = re.compile(r"/cleanup\[\d+\]: (\w+): message-id=<([^>]*)>$")
_CONNECTED = re.compile(r"/smtp\[(\d+)\]: (\w+) TLS connection established to ")
_TRIED = re.compile(
    r"/smtp\[(\d+)\]: (\w+): to=<[^>]*>, .*?(?:tls=(\w+), )?dsn=([\d.]+), status=(\w+) \((.*)\)$"
)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to deliver a message to one recipient."""

    status: str
    """`sent`, `deferred` or `bounced`."""
    code: str
    """The enhanced status code (RFC 3463), such as `2.0.0` or `4.7.5`."""
    level: str
    """The security level that was applied, such as `dane` or `may`. Empty if it did not come to TLS."""
    peer: str
    """How far the other side was known: `Verified`, `Trusted`, `Untrusted`, `Anonymous`. Or empty."""
    reply: str
    """What the other side said last, or what Postfix says of it."""

    @property
    def proved(self) -> bool:
        """Whether the message went to the key that the TLSA records name."""
        return (self.status, self.level, self.peer) == ("sent", "dane", "Verified")


@dataclass(frozen=True, slots=True)
class DaneSender:
    """The running Postfix."""

    world: World

    def send(self, message: bytes, recipients: Iterable[str], sender: str = STRANGER) -> None:
        """Hand it a message, which it then delivers by itself."""
        self.world.send(message, recipients, sender, port=PORT)

    def attempts(self) -> dict[str, list[Attempt]]:
        """All attempts since the machine has booted, by the identifier of the message without `<>`."""
        lines = self.world.run("journalctl --no-pager -b -o short -u postfix-dane.service").stdout
        return attempts(lines.splitlines())


def attempts(lines: Iterable[str]) -> dict[str, list[Attempt]]:
    """The attempts that the lines of Postfix's log tell of, by the identifier of the message."""
    messages: dict[str, str] = {}  # by the identifier in the queue
    peers: dict[str, str] = {}  # by the process that connected last
    found: dict[str, list[Attempt]] = {}
    for line in lines:
        if match := _MESSAGE.search(line):
            messages[match[1]] = match[2]
        elif match := _CONNECTED.search(line):
            peers[match[1]] = match[2]
        elif match := _TRIED.search(line):
            process, queued, level, code, status, reply = match.groups()
            peer = peers.pop(process, "") if level else ""
            attempt = Attempt(status, code, level or "", peer, reply)
            found.setdefault(messages.get(queued, ""), []).append(attempt)
    return found


@contextmanager
def running(world: World) -> Iterator[DaneSender]:
    """The sender and its resolver, started. At the end it is stopped, and its queue is emptied."""
    signing.start_validating(world)
    world.run("systemctl start postfix-dane.service")
    try:
        yield DaneSender(world)
    finally:
        world.run("postsuper -c /etc/postfix-dane -d ALL; systemctl stop postfix-dane.service")
