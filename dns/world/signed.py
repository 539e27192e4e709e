"""Whether a zone is signed for the world: a DS at its parent that fits its keys (RFC 4035, section 5).

No answer is not an answer: if the parent or the zone's nameservers do not tell, it is unknown.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from dns.errors import SyncError
from dns.world import answers, asking, delegation
from dns.world.answers import Answer
from dns.world.delegation import Delegation
from dns.world.nameservers import Server
from dns.world.vantage import VantagePoint

SEP = 1  # the flag of a key that signs keys (RFC 4034, 2.1.1)
DIGESTS = ("1", "2", "4")  # SHA-1, SHA-256, SHA-384: a DS is computed with these, to compare


@dataclass(frozen=True, slots=True)
class Signed:
    """Whether resolvers that check can follow the signatures down to the zone."""

    zone: str
    secure: bool | None
    """None if that cannot be told."""
    reason: str = ""
    """Why it is not so, or cannot be told. It follows the name of the zone in a sentence."""
    has_ds: bool = field(default=False, compare=False)
    """Whether the parent has a DS for it, so that it is meant to be signed."""


def look(zone: str, vantage: VantagePoint) -> Signed:
    """Follow the delegations to the zone, and ask all its nameservers for its keys."""
    found = look_around(zone, vantage)
    if found.zone != zone:
        return Signed(zone, False, "is not delegated to nameservers of its own")
    return found


def look_around(name: str, vantage: VantagePoint) -> Signed:
    """The same for the zone that holds the name, whichever that is."""
    try:
        found = delegation.find(name, vantage.resolver, port=vantage.port)
    except SyncError as error:
        return Signed(name, None, f"cannot be looked at ({error})")
    if not found.nameservers:
        return Signed(found.zone, False, "is not delegated to nameservers of its own")
    place = delegation.locate(found, vantage.resolver, port=vantage.port)
    keys = [
        (server, asking.ask_again_if_lost(server.address, found.zone, "DNSKEY", port=vantage.port))
        for server in place.servers
    ]
    return judge(found, keys)


def judge(found: Delegation, keys: Sequence[tuple[Server, Answer]]) -> Signed:
    """Judge the DS at the parent, and the keys that each nameserver answered. Pure."""
    if found.unsigned:
        return Signed(found.zone, False, f"is below {found.unsigned}, which is not signed")
    if found.ds is None:
        return Signed(found.zone, None, f"may have a DS or none, because {found.parent} does not answer")
    if not found.ds:
        return Signed(found.zone, False, f"has no DS at {found.parent}")
    usable = {ds for ds in found.ds if ds.split()[2:3] and ds.split()[2] in DIGESTS}
    if not usable:
        return Signed(found.zone, None, "has only a DS of a kind that cannot be compared with its keys")
    told = [(server, answer) for server, answer in keys if not answer.failure()]
    if not told:
        return Signed(found.zone, None, "has nameservers that do not answer which keys it has")
    for server, answer in told:
        if not answer.values:
            return Signed(found.zone, False, f"has a DS at {found.parent} and no keys at {server}", True)
        if not usable & ds_of(found.zone, answer.values)[0]:
            return Signed(found.zone, False, f"has a DS at {found.parent} that fits none of its keys", True)
    return Signed(found.zone, True, has_ds=True)


def ds_of(zone: str, keys: Collection[str]) -> tuple[frozenset[str], str]:
    """The DS of each DNSKEY, by every digest in use, and the DS for the registrar. Empty if there is none."""
    from dns.dnssec import make_ds
    from dns.rdata import from_text

    held = [from_text("IN", "DNSKEY", text) for text in sorted(keys)]
    made = {
        answers.canonical_rdata("DS", make_ds(zone + ".", key, digest, validating=True).to_text())
        for key in held
        for digest in ("SHA1", "SHA256", "SHA384")
    }
    signing = [key for key in held if int(key.to_text().split()[0]) & SEP]
    entry = [make_ds(zone + ".", key, "SHA256").to_text() for key in signing]
    return frozenset(made), entry[0] if entry else ""
