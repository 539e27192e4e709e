"""Running the checks of one message while it arrives. Knows neither SMTP nor storage.

The reverse name and SPF are asked for with the first recipient that is accepted, so a peer that mails nobody
here costs no DNS. The keys of the signatures and the policy are asked for at the end of the header section,
while the body arrives. After the message's end there is one deadline for all that is still missing. What is
missing then is `temperror`.

An error in our own code is a `temperror` too, and a line in the journal. Nothing here raises.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Iterable
from typing import TypeVar

from receiver.checks import header_fields
from receiver.checks.author import NoAuthor
from receiver.checks.dns_query import IPAddress, Resolver
from receiver.checks.faults import Faults, without_results
from receiver.checks.parts import Parts, Signatures
from receiver.checks.results import DKIM, DMARC, SPF, Reverse
from receiver.checks.verdict import Verdict, list_id
from receiver.loop.begun import Begun, finish_by

T = TypeVar("T")

_ROOM = 2048  # octets of our field
_UNKNOWN = "DNS did not answer in time"


class Checks:
    """The checks of a worker. `names` are the names under which our own hosts write results."""

    def __init__(
        self,
        resolver: Resolver,
        hostname: str,
        names: Iterable[str] = (),
        deadline: float = 5.0,
        parts: Parts | None = None,
    ) -> None:
        self.resolver = resolver
        self.hostname = hostname
        self.names = frozenset(name.lower() for name in (hostname, *names))
        self.deadline = deadline
        self.parts = parts or Parts()
        self.faults = Faults()
        self.late = 0  # messages whose checks were not done at the deadline
        self.waited = 0.0  # seconds that all messages have waited

    def connection(self, peer: str) -> ConnectionCheck:
        """The checks of the mail from a peer's IP address. `peer` is empty if it has none."""
        return ConnectionCheck(self, peer)


class ConnectionCheck:
    """The checks of one connection's mail. The reverse name is the same for all of its messages."""

    __slots__ = ("address", "checks", "peer", "reverse")

    def __init__(self, checks: Checks, peer: str) -> None:
        self.checks = checks
        self.peer = peer
        self.address = _address(peer)
        self.reverse: Reverse | None = None  # once it is known

    def message(self, helo: str, sender: str) -> MessageCheck:
        """Begin the checks of a message. `sender` is the reverse-path; empty if that is null."""
        return MessageCheck(self, helo, sender)


class MessageCheck:
    """The checks of one message: `head` once, `update` for its body, then `verdict`; or `cancel`."""

    def __init__(self, connection: ConnectionCheck, helo: str, sender: str) -> None:
        self._connection, self._checks = connection, connection.checks
        self._parts, self._resolver = self._checks.parts, self._checks.resolver
        self._loop = asyncio.get_running_loop()
        self._signatures: Signatures | None = None
        self._keys: Begun[None] | None = None
        self._policy: Begun[None] | None = None
        self._reverse: Begun[Reverse] | None = None
        self._spf: Begun[SPF] | None = None
        self._author, self._no_author = "", ""
        self._list_id, self._forged = "", 0
        # What is known of SPF without DNS. A bounce has no sender, so its HELO is checked (RFC 7208, 2.4).
        identity = "mailfrom" if sender else "helo"
        self._unknown = SPF(
            "temperror", sender.rpartition("@")[2] or helo, identity, sender or helo, reason=_UNKNOWN
        )
        if connection.address is not None:
            self._ask_about_peer(connection.address, helo)

    def _ask_about_peer(self, address: IPAddress, helo: str) -> None:
        spf, checks = self._unknown, self._checks
        sender = spf.sender if spf.identity == "mailfrom" else f"postmaster@{helo}"
        try:
            self._spf = Begun(
                self._parts.spf(
                    self._resolver, address, spf.domain, sender, helo, checks.hostname, spf.identity
                ),
                self._loop,
            )
        except Exception as error:
            checks.faults.log("spf", error)
        if self._connection.reverse is None:
            try:
                self._reverse = Begun(self._parts.reverse(self._resolver, address), self._loop)
            except Exception as error:
                checks.faults.log("iprev", error)

    def head(self, head: bytes) -> bytes:
        """Take the header section, with the CRLF of its last field. Returns it without forged results."""
        parts, faults = self._parts, self._checks.faults
        fields: list[tuple[bytes, bytes]] = []
        try:
            fields = header_fields.split(head)
            self._list_id = list_id(fields)
            self._signatures = parts.signatures(fields)
            self._keys = Begun(self._signatures.ask(self._resolver), self._loop)
        except Exception as error:
            faults.log("dkim", error)
        try:
            self._author = parts.author(fields)
            self._policy = Begun(parts.discover(self._resolver, self._author), self._loop)
        except NoAuthor as error:
            self._no_author = str(error)
        except Exception as error:
            faults.log("dmarc", error)
        try:
            head, self._forged = parts.without_forged(head, self._checks.names)
        except Exception as error:
            faults.log("forged", error)
            head, self._forged = without_results(head)
        return head

    def update(self, piece: bytes) -> None:
        """Take the next piece of the body."""
        if self._signatures is not None:
            try:
                self._signatures.update(piece)
            except Exception as error:
                self._checks.faults.log("dkim", error)
                self._signatures = None

    async def verdict(self) -> Verdict:
        """The results, at the latest at the deadline. The message is complete."""
        began = self._loop.time()
        until = began + self._checks.deadline
        asked = [each for each in (self._spf, self._reverse, self._keys) if each is not None]
        await finish_by(until, self._loop, asked)
        late = any(each.is_running for each in asked)
        spf, reverse, signatures = self._spf_result(), self._reverse_result(), self._dkim_results()
        dmarc, dmarc_is_late = await self._dmarc_result(until, signatures, spf)
        seconds = self._loop.time() - began
        self._checks.late += late or dmarc_is_late
        self._checks.waited += seconds
        self.cancel()
        field = self._field(reverse, spf, signatures, dmarc)
        return Verdict(field, reverse, spf, signatures, dmarc, self._list_id, self._forged, seconds)

    def cancel(self) -> None:
        """End what is still being asked. No verdict is wanted any more."""
        for each in (self._spf, self._reverse, self._keys, self._policy):
            if each is not None:
                each.cancel()

    def _spf_result(self) -> SPF:
        if self._connection.address is None:
            unknown = self._unknown
            return SPF("none", unknown.domain, unknown.identity, unknown.sender, "the peer has no IP address")
        return self._taken("spf", self._spf) or self._unknown

    def _reverse_result(self) -> Reverse | None:
        if self._connection.address is None or self._connection.reverse is not None:
            return self._connection.reverse
        reverse = self._taken("iprev", self._reverse) or Reverse("temperror")
        if reverse.result != "temperror":
            self._connection.reverse = reverse
        return reverse

    def _dkim_results(self) -> list[DKIM]:
        if self._keys is not None and self._keys.error:
            self._checks.faults.log("dkim", self._keys.error)
        if self._signatures is not None:
            try:
                return self._signatures.results()
            except Exception as error:
                self._checks.faults.log("dkim", error)
        return [DKIM("temperror", "the signatures could not be checked")]

    async def _dmarc_result(self, until: float, signatures: list[DKIM], spf: SPF) -> tuple[DMARC, bool]:
        """The result, and whether it is late."""
        if self._no_author:
            return DMARC("permerror", self._no_author), False
        if not self._author:
            return DMARC("temperror", "the author could not be found out"), False
        check: Begun[DMARC] | None = None
        try:
            check = Begun(self._parts.dmarc(self._resolver, self._author, signatures, spf), self._loop)
            await finish_by(until, self._loop, [check])
        except Exception as error:
            self._checks.faults.log("dmarc", error)
        late = check is not None and check.is_running
        if check is not None and late:
            check.cancel()
        found = self._taken("dmarc", check)
        return found or DMARC("temperror", _UNKNOWN, self._author), late

    def _taken(self, name: str, begun: Begun[T] | None) -> T | None:
        """The result of a check; None if there is none. An error of our own is logged."""
        if begun is None:
            return None
        if begun.error is not None:
            self._checks.faults.log(name, begun.error)
        return begun.result

    def _field(self, reverse: Reverse | None, spf: SPF, signatures: list[DKIM], dmarc: DMARC) -> bytes:
        checks, peer = self._checks, self._connection.peer
        try:
            field = self._parts.write(checks.hostname, reverse, peer, spf, signatures, dmarc)
            if 0 < len(field) <= _ROOM:
                return field
            raise ValueError("no field, or one that is too long")
        except Exception as error:
            checks.faults.log("field", error)
        return f"Authentication-Results: {checks.hostname};\r\n\tdmarc=temperror\r\n".encode()


def _address(peer: str) -> IPAddress | None:
    try:
        address = ipaddress.ip_address(peer.partition("%")[0])
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if address.version == 6 else address
