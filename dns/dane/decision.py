"""What a domain's plan does about DANE (RFC 7672): signing the zone, and the keys of its hosts.

| what is known                                                | what becomes of a host's TLSA records     |
| ------------------------------------------------------------ | ----------------------------------------- |
| no domain of the zone asks for DANE                          | they are deleted, all of them at once      |
| the zone is signed, its DS fits, the host serves its key     | exactly its current and its next key       |
| anything of that is not so, or cannot be told                | they stay as they are, and it is said why  |

So what is published always holds the key that is served. A record of a key that was left (`rekey.py`) goes in
the run that publishes the new next one, in the same transaction. Pure.

DNSSEC is switched on, and never off: a zone whose parent still has a DS would vanish for all who check.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dns import tlsa
from dns.cloudflare.signing import Dnssec
from dns.inventory import Domain, Inventory, MailHost
from dns.inventory.host_keys import HostKeys
from dns.names import is_within
from dns.plan import Plan
from dns.records import ADDRESS_TYPES

if TYPE_CHECKING:
    from dns.world.signed import Signed

NOT_ASKED = HostKeys(unread="its keys were not asked for")


@dataclass(frozen=True, slots=True)
class Dane:
    """What is decided for one domain. By default nothing is published, and nothing is left alone."""

    keys: Mapping[str, Collection[str]]
    """The digests to publish for each hostname."""
    untouched: frozenset[str] = frozenset()
    """The names whose TLSA records stay as they are."""
    notes: tuple[str, ...] = ()
    """A line for each thing that is withheld, with the reason."""
    signing: bool = False
    """Whether DNSSEC is to be switched on."""
    registrar: str = ""
    """The line that says which DS to hand to the registrar."""


NOTHING = Dane({})


def is_wanted(inventory: Inventory, zone: str) -> bool:
    """Whether a domain of this zone asks for DANE.

    The hosts' records belong to all domains of the zone, as their addresses do. If each domain decided for
    itself, the one without DANE would delete a part of what the other publishes.
    """
    return any(domain.dane and is_within(domain.name, zone) for domain in inventory.domains)


def hosts_of(inventory: Inventory, zone: str) -> tuple[MailHost, ...]:
    """The hosts whose names are in the zone."""
    return tuple(host for host in inventory.hosts if is_within(host.hostname, zone))


def decide(
    inventory: Inventory,
    served: Domain,
    zone: str,
    keys: Mapping[str, HostKeys],
    signed: Signed | None,
    dnssec: Dnssec | None,
    elsewhere: Mapping[str, str] = {},
) -> Dane:
    """Decide what to publish.

    `keys` are what the hosts answered, by `MailHost.name`. `signed` and `dnssec` are what the world and
    Cloudflare say of the zone. They are None if nobody was asked, because no domain of it wants DANE.
    `elsewhere` has the reason for each hostname that serves another key at one of its addresses.
    """
    notes = list(_outside_the_zone(inventory, served, zone)) if served.dane else []
    if signed is None or dnssec is None:
        return replace(NOTHING, notes=tuple(notes))
    hosts = hosts_of(inventory, zone)
    publish: dict[str, Collection[str]] = {}
    if not signed.secure:
        names = " and ".join(host.hostname for host in hosts)
        if hosts:
            why = f"because {zone} {signed.reason}"
            notes.append(f"{names}: no key is published for DANE, and what stands there stays, {why}")
    else:
        for host in hosts:
            held = keys.get(host.name, NOT_ASKED)
            why = _not_served(held) or elsewhere.get(host.hostname, "")
            if why:
                notes.append(f"{host.hostname}: its TLSA records stay as they are, because {why}")
            else:
                publish[host.hostname] = held.published
    if dnssec.status == "error":
        notes.append(f"{zone}: Cloudflare reports an error of DNSSEC: see DNS > Settings in the dashboard")
    return Dane(
        publish,
        frozenset(tlsa.name_of(host.hostname) for host in hosts if host.hostname not in publish),
        tuple(notes),
        signing=served.dane and dnssec.is_off,
        registrar="" if signed.secure else registrar_line(zone, dnssec),
    )


def registrar_line(zone: str, dnssec: Dnssec) -> str:
    """What to hand to the registrar, in one line. Empty if DNSSEC is off, or if its DS is not known."""
    if dnssec.is_off or not dnssec.ds:
        return ""
    return (
        f"zone {zone}: give its registrar this DS, and DANE begins with the run after that: "
        f"{zone}. DS {dnssec.ds}"
    )


def _outside_the_zone(inventory: Inventory, served: Domain, zone: str) -> Iterator[str]:
    for host in inventory.hosts:
        if is_within(host.hostname, zone):
            continue
        home = next((each for each in inventory.domains if is_within(host.hostname, each.name)), None)
        if home is None:
            yield (
                f"{host.hostname}: is outside the zone {zone}, so its key is not published for DANE, which "
                "asks the zone of the mail host"
            )
        elif not home.dane:
            yield (
                f"{host.hostname}: is outside the zone {zone}, so DANE asks another one for its key: add "
                f'"dane": True to {home.name} too'
            )


def _not_served(held: HostKeys) -> str:
    """Why the host is not known to serve its current key. Empty if it does."""
    if held.unread:
        return held.unread
    if not held.current:
        return "it has no key with a request yet: deploy it (pyinfra inventory.py deploy.py)"
    if not held.served:
        return (
            "nothing serves a key on its port 25: see systemctl status letterbox.socket letterbox on the host"
        )
    if held.served != {held.current}:
        return (
            "its port 25 serves another key than the current one: run systemctl reload letterbox on the "
            "host, or deploy it"
        )
    return ""


def changed_hosts(plan: Plan, hosts: Sequence[MailHost]) -> tuple[MailHost, ...]:
    """Those of the hosts whose TLSA records the plan adds or deletes, and does not take away altogether."""
    changed = {record.name for record in (*plan.posts, *(held.record for held in plan.deletes))}
    wanted = {record.name for record in plan.desired if record.type == tlsa.TYPE}
    names = changed & wanted
    return tuple(host for host in hosts if tlsa.name_of(host.hostname) in names)


def with_old_names(plan: Plan) -> Plan:
    """The plan, in which the TLSA records of a name that keeps its addresses for a time stay as well.

    Senders that come by an old MX may still have them. They go with the last address of the name.
    """
    lasting = {one.record.name for one in plan.staying if one.record.type in ADDRESS_TYPES}
    return replace(
        plan,
        deletes=tuple(
            held
            for held in plan.deletes
            if held.record.type != tlsa.TYPE or tlsa.host_of(held.record.name) not in lasting
        ),
    )


def applied_to(plan: Plan, dane: Dane) -> Plan:
    """The plan with what is said about DANE, and with DNSSEC to be switched on if it must be."""
    return replace(
        with_old_names(plan),
        notes=(*plan.notes, *dane.notes),
        signing=dane.signing,
        registrar=dane.registrar,
    )
