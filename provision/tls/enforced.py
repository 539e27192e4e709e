"""Whether senders insist on the certificate of a host, because a policy of MTA-STS tells them to (RFC 8461).

After `rekey.py` a host has a self-signed certificate of its new key until it is renewed. Senders that keep a
policy with the mode enforce would keep their mail back meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from dns.errors import ZoneNotFound
from dns.inventory import Domain
from dns.mta_sts.policy import LABEL, TXT_TTL, Served, id_of
from dns.records import ZoneRecord
from dns.until import PROPAGATION, said_in_words

if TYPE_CHECKING:
    from dns.cloudflare.zones import Zones

_FIX = (
    'write "mta_sts": "testing" for it, deploy, and run this five minutes later; then deploy, which orders '
    'the certificate of the new key, and write "enforce" again'
)


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of a domain's policy: what a sender gets, and what its TXT record says since when."""

    domain: Domain
    served: Served
    changed: datetime | None = None
    announced: str | None = None
    """The id in the TXT record. A sender that keeps the policy of this id does not fetch another one."""


def why_not_yet(hostname: str, found: Iterable[Standing], now: datetime) -> str:
    """Why a sender may insist on the certificate of this host, in one line. Empty if none does. Pure."""
    for one in found:
        name, policy = one.domain.name, one.served.policy
        until = one.changed and one.changed + timedelta(seconds=TXT_TTL + PROPAGATION)
        if policy and policy.mode == "enforce" and policy.lists(hostname):
            return (
                f"the MTA-STS policy of {name} is enforced, and senders would keep mail back until the "
                f"certificate of the new key is there: {_FIX}"
            )
        if one.served.failure and (one.domain.mta_sts or one.announced):
            return (
                f"whether the MTA-STS policy of {name} is enforced cannot be told ({one.served.failure}): "
                "run this again when it can be fetched"
            )
        if one.announced and (policy is None or policy.id != one.announced):
            return (
                f"the TXT record of {name} still tells senders of another MTA-STS policy than is served, and "
                "that one may be enforced: deploy, and run this five minutes later"
            )
        if until and until > now:
            return (
                f"a sender may still go by the MTA-STS policy that {name} had before: run this again after "
                f"{said_in_words(until)}"
            )
    return ""


def look(domains: Iterable[Domain]) -> list[Standing]:
    """Fetch the policies as a sender does, and read when the TXT record of each was changed.

    A domain that has no policy is asked about once. Raises SyncError.
    """
    from dns.cloudflare.zones import Zones  # late: these import the SDK and dnspython
    from dns.world import policy
    from dns.world.vantage import vantage_with

    vantage, zones = vantage_with(None), None
    found = []
    for domain in domains:
        served = policy.fetch(domain.name, vantage)
        texts: list[ZoneRecord] = []
        if served.policy or served.failure or domain.mta_sts:
            zones = zones or Zones()
            texts = _texts(zones, domain.name)
        times = [datetime.fromisoformat(held.modified) for held in texts if held.modified]
        changed = max((time if time.tzinfo else time.replace(tzinfo=UTC) for time in times), default=None)
        announced = id_of(held.record.content for held in texts)
        found.append(Standing(domain, served, changed, announced))
    return found


def _texts(zones: Zones, domain: str) -> list[ZoneRecord]:
    """The TXT records that may tell of the domain's policy. None if its zone is not at Cloudflare."""
    try:
        zone = zones.holding(domain)
    except ZoneNotFound:
        return []  # nothing there is ours
    name = f"{LABEL}.{domain}"
    return [held for held in zones.records(zone) if (held.record.type, held.record.name) == ("TXT", name)]
