"""A sender that does DANE (RFC 7672): a second Postfix in the world, beside the stranger's that does not.

It asks the validating resolver. Where TLSA records are proved for a mail host, it delivers to no other key,
and defers. Where there are none, or the zone is not signed, it encrypts without proof if it can.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.lab.errors import LabError
from tests.lab.machines.machine import DEADLINE
from tests.lab.tls import signing
from tests.lab.world import STRANGER, World

PORT = 2525
"""Where it takes mail from programs in the world."""
_MESSAGE = re.compile(r"/cleanup\[\d+\]: (\w+): message-id=<([^>]*)>$")
_CONNECTED = re.compile(r"/smtp\[(\d+)\]: (\w+) TLS connection established to ")
_TRIED = re.compile(
    r"/smtp\[(\d+)\]: (\w+): to=<[^>]*>, .*?(?:tls=(\w+), )?dsn=([\d.]+), status=(\w+) \((.*)\)$"
)


SENDING = f"""
import signal, smtplib, sys, time
prefix, recipient, every = sys.argv[1], sys.argv[2], float(sys.argv[3])
ended = []
signal.signal(signal.SIGTERM, lambda *_: ended.append(True))
number = 0
while not ended:
    with smtplib.SMTP("127.0.0.1", {PORT}, timeout=60) as postfix:
        head = f"Message-ID: <{{prefix}}.{{number:06}}@sender.test>"
        postfix.sendmail("{STRANGER}", [recipient], head + "\\r\\n\\r\\nhello\\r\\n")
    number += 1
    time.sleep(every)
"""


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

    @contextmanager
    def sending(self, recipient: str, prefix: str, *, every: float = 0.1) -> Iterator[None]:
        """Let a program in the world hand it a message every so many seconds.

        Their identifiers are `PREFIX.NUMBER@sender.test`, the number in six digits. At the end that program
        has stopped, and the queue is empty.
        """
        unit = f"lab-sending-{prefix}"
        program = ["python3", "-c", SENDING, prefix, recipient, str(every)]
        self.world.run(["systemd-run", "-q", "--collect", f"--unit={unit}", *program])
        try:
            yield
        finally:
            self.world.run(["systemctl", "stop", unit])
        late = time.monotonic() + DEADLINE
        while queued := self.world.run("postqueue -c /etc/postfix-dane -j").stdout:
            if time.monotonic() > late:
                raise LabError(f"the queue of the sender does not become empty: {queued.splitlines()[0]}")
            time.sleep(0.1)

    def attempts(self) -> dict[str, list[Attempt]]:
        """All attempts since the machine has booted, by the identifier of the message without `<>`."""
        # By what they call themselves: of a process that has ended, journald may not tell the unit.
        programs = ("-t", "postfix-dane/cleanup", "-t", "postfix-dane/smtp")
        lines = self.world.run(["journalctl", "--no-pager", "-b", "-o", "short", *programs]).stdout
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
