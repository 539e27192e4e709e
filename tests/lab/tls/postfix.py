"""A further Postfix in the world, which a test starts: handing it mail, and what comes of each attempt.

The stranger's own Postfix asks nobody for a proof. Each of these has its folder, its port and its rules.
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.lab.errors import LabError
from tests.lab.machines.machine import DEADLINE
from tests.lab.world import STRANGER, World
from tests.waiting import wait_until

_MESSAGE = re.compile(r"/cleanup\[\d+\]: (\w+): message-id=<([^>]*)>$")
_CONNECTED = re.compile(r"/smtp\[(\d+)\]: (\w+) TLS connection established to ")
_WHY = re.compile(
    r"/smtp\[(\d+)\]: (?:warning: |server )?"
    r"(certificate verification failed for .*|MX name .* does not match STS MX pattern .*)$"
)
# The level has a mark if it was not reached (`!`), or if there was no connection (`?`).
_TRIED = re.compile(
    r"/smtp\[(\d+)\]: (\w+): to=<[^>]*>, .*?(?:tls=(\w+), |tls=\S+, )?dsn=([\d.]+), status=(\w+) \((.*)\)$"
)

SENDING = """
import signal, smtplib, sys, time
prefix, recipient, every = sys.argv[1], sys.argv[2], float(sys.argv[3])
ended = []
signal.signal(signal.SIGTERM, lambda *_: ended.append(True))
number = 0
while not ended:
    with smtplib.SMTP("127.0.0.1", int(sys.argv[4]), timeout=60) as postfix:
        head = f"Message-ID: <{prefix}.{number:06}@sender.test>"
        postfix.sendmail(sys.argv[5], [recipient], head + "\\r\\n\\r\\nhello\\r\\n")
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
    """The security level that was reached, such as `dane`, `secure` or `may`. Or empty."""
    peer: str
    """How far the other side was known: `Verified`, `Trusted`, `Untrusted`, `Anonymous`. Or empty."""
    reply: str
    """What the other side said last, or what Postfix says of it."""
    why: str = ""
    """What Postfix found wrong about the certificate or the host, if it did."""

    @property
    def proved(self) -> bool:
        """Whether the message went to the key that the TLSA records name."""
        return (self.status, self.level, self.peer) == ("sent", "dane", "Verified")

    @property
    def verified(self) -> bool:
        """Whether it went to a host that the policy lists and whose certificate an authority vouches for."""
        return (self.status, self.level, self.peer) == ("sent", "secure", "Verified")


@dataclass(frozen=True, slots=True)
class Sender:
    """A running Postfix."""

    world: World
    name: str
    """Of its unit, of its folder in `/etc`, and in its log."""
    port: int
    """Where it takes mail from programs in the world."""

    def send(self, message: bytes, recipients: Iterable[str], sender: str = STRANGER) -> None:
        """Hand it a message, which it then delivers by itself."""
        self.world.send(message, recipients, sender, port=self.port)

    def first_attempt(self, recipient: str) -> Attempt:
        """Send a message, and return what comes of the first attempt to deliver it."""
        mark = f"{uuid.uuid4().hex}@sender.test"
        self.send(f"Message-ID: <{mark}>\r\n\r\nhello\r\n".encode(), [recipient])
        return wait_until(lambda: self.attempts().get(mark), "an attempt to deliver")[0]

    @contextmanager
    def sending(self, recipient: str, prefix: str, *, every: float = 0.1) -> Iterator[None]:
        """Let a program in the world hand it a message every so many seconds.

        Their identifiers are `PREFIX.NUMBER@sender.test`, the number in six digits. At the end that program
        has stopped, and the queue is empty.
        """
        unit = f"lab-sending-{prefix}"
        program = ["python3", "-c", SENDING, prefix, recipient, str(every), str(self.port), STRANGER]
        self.world.run(["systemd-run", "-q", "--collect", f"--unit={unit}", *program])
        try:
            yield
        finally:
            self.world.run(["systemctl", "stop", unit])
        self._wait_until_empty()

    def drop_queue(self) -> None:
        """Let it forget each message that it has not delivered."""
        self.world.run(f"postsuper -c /etc/{self.name} -d ALL")
        self._wait_until_empty()

    def _wait_until_empty(self) -> None:
        late = time.monotonic() + DEADLINE
        while queued := self.world.run(f"postqueue -c /etc/{self.name} -j").stdout:
            if time.monotonic() > late:
                raise LabError(f"the queue of the sender does not become empty: {queued}")
            # A message whose file another process still has locked goes back to incoming/, where the queue
            # manager looks only when mail comes, or after five minutes.
            self.world.run(f"postqueue -c /etc/{self.name} -f")
            time.sleep(1)

    def attempts(self) -> dict[str, list[Attempt]]:
        """All attempts since the machine has booted, by the identifier of the message without `<>`."""
        # By what they call themselves: of a process that has ended, journald may not tell the unit.
        programs = ("-t", f"{self.name}/cleanup", "-t", f"{self.name}/smtp")
        lines = self.world.run(["journalctl", "--no-pager", "-b", "-o", "short", *programs]).stdout
        return attempts(lines.splitlines())


def attempts(lines: Iterable[str]) -> dict[str, list[Attempt]]:
    """The attempts that the lines of Postfix's log tell of, by the identifier of the message."""
    messages: dict[str, str] = {}  # by the identifier in the queue
    peers: dict[str, str] = {}  # by the process that connected last
    wrong: dict[str, str] = {}  # by the process, too
    found: dict[str, list[Attempt]] = {}
    for line in lines:
        if match := _MESSAGE.search(line):
            messages[match[1]] = match[2]
        elif match := _CONNECTED.search(line):
            peers[match[1]] = match[2]
        elif match := _WHY.search(line):
            wrong[match[1]] = match[2]
        elif match := _TRIED.search(line):
            process, queued, level, code, status, reply = match.groups()
            peer, why = peers.pop(process, ""), wrong.pop(process, "")
            attempt = Attempt(status, code, level or "", peer if level else "", reply, why)
            found.setdefault(messages.get(queued, ""), []).append(attempt)
    return found


@contextmanager
def started(world: World, name: str, port: int) -> Iterator[Sender]:
    """The Postfix of this unit, started. At the end it is stopped, and its queue is emptied."""
    world.run(f"systemctl start {name}.service")
    try:
        yield Sender(world, name, port)
    finally:
        world.run(f"postsuper -c /etc/{name} -d ALL; systemctl stop {name}.service")
