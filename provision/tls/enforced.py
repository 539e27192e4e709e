"""Whether senders insist on the certificate of a host, because a policy of MTA-STS tells them to (RFC 8461).

After `rekey.py` a host has a self-signed certificate of its new key until it is renewed. Senders that keep a
policy with the mode enforce would keep their mail back meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from dns.inventory import Domain
from dns.mta_sts.policy import LABEL, TXT_TTL, Served
from dns.until import PROPAGATION, said_in_words

if TYPE_CHECKING:
    from dns.cloudflare.zones import Zones

_FIX = (
    'write "mta_sts": "testing" for it, deploy, and run this five minutes later; then deploy, which orders '
    'the certificate of the new key, and write "enforce" again'
)


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of a domain's policy: what a sender gets, and when its TXT record was last changed."""

    domain: Domain
    served: Served
    changed: datetime | None = None


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
        if one.served.failure and one.domain.mta_sts:
            return (
                f"whether the MTA-STS policy of {name} is enforced cannot be told ({one.served.failure}): "
                "run this again when it can be fetched"
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
        changed = None
        if served.policy or domain.mta_sts:
            zones = zones or Zones()
            changed = _changed(zones, domain.name)
        found.append(Standing(domain, served, changed))
    return found


def _changed(zones: Zones, domain: str) -> datetime | None:
    name = f"{LABEL}.{domain}"
    times = [
        datetime.fromisoformat(held.modified)
        for held in zones.records(zones.holding(domain))
        if (held.record.type, held.record.name) == ("TXT", name) and held.modified
    ]
    return max((time if time.tzinfo else time.replace(tzinfo=UTC) for time in times), default=None)
