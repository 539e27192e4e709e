"""From where the smoke tests look: from this machine, or with `--from` from another, through ssh.

Through ssh every connection is a channel of its own (`ssh -W`, RFC 4254, 7.2): the other machine connects to
port 25 and to the resolver, and nothing runs there. So a key that may forward to these ports is enough.
"""

from __future__ import annotations

import smtplib
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from dns.message import make_query
from dns.query import tcp
from dns.rcode import Rcode
from dns.rdatatype import from_text

from dns.inventory import Inventory, MailHost
from dns.inventory.over_ssh import ssh_arguments
from dns.names import ip_version
from dns.world.greeting import Failure, Greeting, from_reply, greet
from dns.world.nameservers import has_route

SECONDS = 30
"""How long a reply may take. A busy host is slow; a broken one is silent for ever."""
GREETING_SECONDS = 20
"""How long connecting and a greeting may take. With all that is tried after it, this is under 45 s."""
_REFUSALS: tuple[tuple[str, Failure], ...] = (
    ("refused", "refused"),
    ("timed out", "timeout"),
    ("no route to host", "unreachable"),
    ("network is unreachable", "no route"),
    ("cannot assign requested address", "no route"),
    ("administratively prohibited", "unreachable"),
)
"""What sshd says of a channel that it could not open (connect(2) there), and what that is to us."""


class Unreached(Exception):
    """A connection that did not come about: how it failed, and what was said about it."""

    def __init__(self, failure: Failure, words: str) -> None:
        super().__init__(words)
        self.failure, self.words = failure, words


class Session(smtplib.SMTP):
    """An SMTP session over a socket that is already connected. It keeps its greeting."""

    greeting: Greeting

    def __init__(self, connected: socket.socket, seconds: float) -> None:
        self._connected = connected
        super().__init__(local_hostname="smoke.invalid", timeout=seconds)
        self._host = "smoke.invalid"  # smtplib hands it to TLS as the server's name
        self.greeting = from_reply(*self.connect("smoke.invalid", 25))

    def _get_socket(self, *_: Any) -> socket.socket:
        self._connected.settimeout(self.timeout)
        return self._connected


@dataclass(frozen=True, slots=True)
class Here:
    """This machine."""

    name: str = "this machine"

    @contextmanager
    def connection(self, address: str, port: int, seconds: float) -> Iterator[socket.socket]:
        if not has_route(address):
            raise Unreached("no route", "no route")
        try:
            made = socket.create_connection((address, port), seconds)
        except OSError as error:
            raise Unreached(greet_failure(error), str(error)) from None
        with made:
            yield made


@dataclass(frozen=True, slots=True)
class Through:
    """Another machine, which `ssh` reaches with these arguments, the last two being `--` and its address."""

    name: str
    ssh: Sequence[str]

    @contextmanager
    def connection(self, address: str, port: int, seconds: float) -> Iterator[socket.socket]:
        """A socket whose other end ssh holds. Raises Unreached if it ends before anything has come."""
        ours, theirs = socket.socketpair()
        place = f"[{address}]:{port}" if ip_version(address) == 6 else f"{address}:{port}"
        # A connection that is shared, or a log that says little, would keep the reason of a failure back.
        options = ["-o", "ControlPath=none", "-o", "LogLevel=INFO"]
        command = [self.ssh[0], *options, *self.ssh[1:-2], "-W", place, *self.ssh[-2:]]
        process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=subprocess.PIPE, text=True)
        theirs.close()
        try:
            ours.settimeout(seconds)
            if port == 25:  # A mail server speaks first, so its first octet says that the channel is open.
                try:
                    opened = bool(ours.recv(1, socket.MSG_PEEK))
                except TimeoutError:
                    raise Unreached("silent", "no greeting came") from None
                if not opened:
                    raise self._unreached(process)
            yield ours
        finally:
            ours.close()
            process.terminate()
            process.communicate()

    def _unreached(self, process: subprocess.Popen[str]) -> Unreached:
        _, said = process.communicate(timeout=SECONDS)
        words = (said.strip().splitlines() or ["ssh gave no reason"])[-1]
        for part, failure in _REFUSALS:
            if part in said.lower() and "channel" in said:
                return Unreached(failure, words)
        return Unreached("silent" if not said else "unreachable", words)


Vantage = Here | Through


def greet_failure(error: OSError) -> Failure:
    """What an error of connecting means, in the words of `dns.world.greeting`."""
    if isinstance(error, TimeoutError):
        return "timeout"
    return "refused" if isinstance(error, ConnectionRefusedError) else "unreachable"


def vantage_for(host: MailHost, names: Sequence[str], inventory: Inventory) -> Vantage:
    """From where this host is looked at: the first of the named machines that is not the host itself.

    A name is that of a host of the inventory, or any that `ssh` knows. Without names it is this machine.
    """
    if not names:
        return Here()
    name = next((each for each in names if each != host.name), names[0])
    known = {each.name: each.ssh for each in inventory.hosts}
    shared = {"ssh_config_file": host.ssh.get("ssh_config_file")}
    return Through(name, ssh_arguments(name, known.get(name, shared)))


def lookup(vantage: Through, resolver: str, name: str, kind: str) -> list[str]:
    """What a resolver answers to the other machine, over TCP. Empty if there is no such record."""
    address, _, port = resolver.partition("#")
    with vantage.connection(address, int(port or 53), SECONDS) as made:
        made.setblocking(False)
        answer = tcp(make_query(name, kind), address, timeout=SECONDS, sock=made)
    assert answer.rcode() in (Rcode.NOERROR, Rcode.NXDOMAIN), f"{resolver} answers {answer.rcode()}"
    return sorted(
        str(record) for found in answer.answer if found.rdtype == from_text(kind) for record in found
    )


def greeting(vantage: Vantage, address: str) -> Greeting:
    """How the address greets the vantage point. Never raises."""
    try:
        with vantage.connection(address, 25, GREETING_SECONDS) as made:
            return Session(made, GREETING_SECONDS).greeting
    except Unreached as error:
        return Greeting(failure=error.failure, text=error.words)
    except (OSError, smtplib.SMTPException) as error:
        return Greeting(failure="silent", text=str(error))


def reaches_others(vantage: Vantage, addresses: Sequence[tuple[str, str]]) -> bool:
    """Whether a well-known mail host, given by name and address, is reached and greets by its own name."""
    if isinstance(vantage, Here):
        return any(greet(address, seconds=5).is_by_organisation_of(name) for name, address in addresses)
    return any(greeting(vantage, address).is_by_organisation_of(name) for name, address in addresses)
