"""For how long a host's TLSA records have stood: whether a rekey may go to the next key.

A sender keeps TLSA records for their TTL. If the host serves a key that was not among them, the sender
defers its mail. So a key may be used when its record has stood for two TTLs at every nameserver: one for
caches, and one more for a nameserver that was slow to take the record over.

A mail host that was renamed keeps the records of its old name for a time (`dns.sync.leaving.old_names`).
They are looked at too: every name in the zone that has the host's current key.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from dns import tlsa
from dns.cloudflare.zones import Zones
from dns.errors import SyncError, ZoneNotFound
from dns.records import ZoneRecord
from dns.until import said_in_words, seconds_of
from dns.world import asking, delegation
from dns.world.nameservers import Server, locate_all
from dns.world.resolvers import named_resolver, resolver_at


@dataclass(frozen=True, slots=True)
class Answered:
    """What one address of a nameserver answers for the TLSA of a name."""

    server: Server
    digests: frozenset[str] | None
    """The digests of its `3 1 1` records; None if it gave no answer that counts."""
    ttl: int = 0
    """In seconds."""
    failure: str = ""
    """Why there is no answer that counts."""


@dataclass(frozen=True, slots=True)
class Standing:
    """The TLSA records at one name: at every nameserver of the zone, and at Cloudflare."""

    name: str
    answers: tuple[Answered, ...]
    since: Mapping[str, datetime]
    """Since when the record of each digest stands at Cloudflare, unchanged."""
    ttl: int
    """The longest TTL, in seconds, of the records at Cloudflare and of all answers."""

    @property
    def is_empty(self) -> bool:
        """Whether nobody has a TLSA record for the name, so that no sender does DANE with the host."""
        return not self.since and all(one.digests == frozenset() for one in self.answers)


def look(
    hostname: str,
    current: str,
    *,
    zones: Zones | None = None,
    resolver: str | None = None,
    servers: Sequence[Server] | None = None,
    port: int = 53,
) -> tuple[Standing, ...]:
    """Look at the TLSA of the host, and of other names in its zone that have its current key.

    Cloudflare is asked in two requests, and every nameserver of the zone at each of its addresses. `resolver`
    is as for `dns.sync`. A test gives the `servers` and their `port`. Raises SyncError if the zone or its
    nameservers cannot be asked at all.
    """
    zones = zones or Zones()
    try:
        zone = zones.holding(hostname)
    except ZoneNotFound:
        # Nothing there is ours. If somebody else publishes keys of the host, they bar the way.
        at = servers or _servers_of(hostname, resolver)
        name = tlsa.name_of(hostname)
        return (standing(name, (), [_ask(server, name, port) for server in at]),)
    records = [held for held in zones.records(zone) if held.record.type == tlsa.TYPE]
    if servers is None:
        servers = locate_all(zone.nameservers, resolver_at(named_resolver(resolver))).servers
    return tuple(
        standing(
            name,
            [held for held in records if held.record.name == name],
            [_ask(server, name, port) for server in servers],
        )
        for name in names_with_key(hostname, current, records)
    )


def names_with_key(hostname: str, current: str, records: Sequence[ZoneRecord]) -> list[str]:
    """Where the keys of the host stand: at its own name, and at others that have its current key. Pure."""
    own = tlsa.name_of(hostname)
    others = {held.record.name for held in records if current in tlsa.digests([held.record.content])}
    return [own, *sorted(others - {own})]


def _servers_of(hostname: str, resolver: str | None) -> Sequence[Server]:
    """The nameservers of the zone that holds the name, from the root down. Raises SyncError."""
    at = resolver_at(named_resolver(resolver))
    located = delegation.locate(delegation.find(hostname, at), at)
    if not located.servers:
        raise SyncError(f"{hostname}: none of the nameservers of its zone can be asked: check the network")
    return located.servers


def _ask(server: Server, name: str, port: int) -> Answered:
    answer = asking.ask_again_if_lost(server.address, name, tlsa.TYPE, port=port)
    if failure := answer.failure():
        return Answered(server, None, failure=failure)
    return Answered(server, tlsa.digests(answer.values), answer.ttl if answer.values else 0)


def standing(name: str, records: Sequence[ZoneRecord], answers: Sequence[Answered]) -> Standing:
    """Put together what Cloudflare and the nameservers say of one name. Pure."""
    since: dict[str, datetime] = {}
    for held in records:
        for digest in tlsa.digests([held.record.content]):
            since[digest] = _time(held)
    ttls = [*(seconds_of(held.record.ttl) for held in records), *(one.ttl for one in answers)]
    if any(one.ttl for one in answers):
        # What is served counts: Cloudflare decides what an automatic TTL is.
        ttls = [one.ttl for one in answers]
    return Standing(name, tuple(answers), since, max(ttls, default=0))


def _time(held: ZoneRecord) -> datetime:
    """When the record was last changed. Raises SyncError if Cloudflare does not say so."""
    try:
        time = datetime.fromisoformat(held.modified)
    except ValueError:
        raise SyncError(
            f"{held.record.zone_line}: Cloudflare does not say since when it stands ({held.modified!r}): run "
            "again, or report it"
        ) from None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def why_not_yet(found: Sequence[Standing], digest: str, now: datetime) -> str:
    """Why the host may not serve this key yet, in one line. Empty if it may. Pure.

    `digest` is that of the next key. A name without any TLSA record keeps nobody from anything. What a
    nameserver does not answer is not known, and so it may not.
    """
    for one in found:
        for answered in one.answers:
            if answered.digests is None:
                return f"{one.name}: {answered.server} does not answer which keys it has ({answered.failure})"
        if one.is_empty:
            continue
        lacking = [each.server for each in one.answers if digest not in (each.digests or ())]
        if lacking or digest not in one.since:
            where = f"at {', '.join(map(str, lacking))}" if lacking else "by us"
            return f"{one.name}: the next key is not published {where} yet: deploy first"
        ready = one.since[digest] + timedelta(seconds=2 * one.ttl)
        if now < ready:
            return (
                f"{one.name}: the next key stands since {said_in_words(one.since[digest])}, and a sender may "
                f"keep older records for {2 * one.ttl} s: wait until {said_in_words(ready)}"
            )
    return ""
