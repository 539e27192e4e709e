"""What a plan needs to know of the zone, of its hosts and of the world: for DANE, and for CAA at the hosts.

Nothing is asked unless a domain of the zone asks for one of them.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from dns import tlsa
from dns.caa import decision as caa
from dns.caa.decision import Caa
from dns.cloudflare.answers import Zone
from dns.cloudflare.signing import Dnssec
from dns.cloudflare.zones import Zones
from dns.dane.decision import NOT_ASKED, Dane, decide, hosts_of, is_wanted
from dns.errors import SyncError
from dns.inventory import Domain, Inventory, MailHost, over_ssh
from dns.inventory.host_addresses import Addresses, published_if_known
from dns.inventory.host_keys import HostKeys
from dns.mta_sts.policy import Served

if TYPE_CHECKING:
    from dns.world.greeting import Greeting
    from dns.world.signed import Signed

GREET_SECONDS = 5.0

Keys = Mapping[str, HostKeys]
"""What the hosts answered about their keys, by `MailHost.name`."""


def problem_with(hostname: str, chain: Sequence[str], now: datetime) -> str:
    """As `dns.mta_sts.certificates.problem_with`."""
    from dns.mta_sts import certificates  # late: it reads all authorities that the system trusts

    return certificates.problem_with(hostname, chain, now)


@dataclass(frozen=True, slots=True)
class Outside:
    """How the world is asked: whether a zone is signed, what port 25 of an address serves, and so on."""

    signed: Callable[[str], Signed]
    greet: Callable[[str], Greeting]
    policy: Callable[[str], Served] = lambda domain: Served(failure="it was not asked for")
    """The MTA-STS policy of a domain, as a sender gets it."""
    trusted: Callable[[str, Sequence[str], datetime], str] = problem_with
    """Why senders refuse a host's certificate (`dns.mta_sts.certificates.problem_with`)."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What was asked for one domain. `signed` and `dnssec` are None if nobody of its zone wants DANE."""

    inventory: Inventory
    domain: Domain
    zone: str
    keys: Keys
    signed: Signed | None = None
    dnssec: Dnssec | None = None

    @property
    def caa(self) -> Caa:
        """What becomes of the CAA at the names of the hosts."""
        return caa.decide(self.inventory, self.domain, self.zone, self.keys)

    def decide(self, elsewhere: Mapping[str, str] = {}) -> Dane:
        """What to do. `elsewhere` is what `served_elsewhere` found."""
        return decide(self.inventory, self.domain, self.zone, self.keys, self.signed, self.dnssec, elsewhere)


def look(
    inventory: Inventory, domain: Domain, zone: Zone, zones: Zones, keys: Keys | None, outside: Outside
) -> Facts:
    """Ask Cloudflare, the world and the hosts. With `keys` the hosts are not asked over ssh.

    Raises SyncError if Cloudflare does not tell the state of DNSSEC.
    """
    dane = is_wanted(inventory, zone.name)
    dnssec = zones.dnssec(zone) if dane else None
    signed = outside.signed(zone.name) if dane else None
    # What is published for DANE needs the keys only if the zone is signed.
    asked = hosts_of(inventory, zone.name) if signed and signed.secure else ()
    asked = (*asked, *(host for host in caa.hosts_to_ask(inventory, zone.name) if host not in asked))
    if keys is None:
        keys = over_ssh.read_all_keys(asked) if asked else {}
    return Facts(inventory, domain, zone.name, keys, signed, dnssec)


def served_elsewhere(
    hosts: Sequence[MailHost],
    addresses: Mapping[str, Addresses],
    keys: Keys,
    greet: Callable[[str], Greeting],
) -> dict[str, str]:
    """The reason for each hostname that serves another key than its current one at one of its addresses.

    What cannot be reached from here, or greets by another name, proves nothing: a network may bar port 25, or
    lead it to a relay of its own.
    """
    from concurrent.futures import ThreadPoolExecutor  # late: a run that publishes no key needs none

    asked = [
        (host, address)
        for host in hosts
        if (both := published_if_known(host, addresses.get(host.name)))
        for address in (*both.ipv4, *both.ipv6)
    ]
    with ThreadPoolExecutor(16) as pool:
        greetings = list(pool.map(lambda pair: greet(pair[1]), asked))
    found: dict[str, str] = {}
    for (host, address), greeting in zip(asked, greetings, strict=True):
        if not greeting.certificate or not greeting.is_by(host.hostname):
            continue
        current = keys.get(host.name, NOT_ASKED).current
        try:
            if tlsa.key_digest(base64.b64decode(greeting.certificate)) == current:
                continue
            found[host.hostname] = (
                f"{address} serves another key than the host itself: find out what answers there"
            )
        except ValueError as error:
            found[host.hostname] = f"the certificate that {address} serves cannot be read ({error})"
    return found


def outside_of(resolver: str | None) -> Outside:
    """The world as this machine sees it. `resolver` is as for `dns.sync`."""

    def signed(zone: str) -> Signed:
        from dns.world import signed as world  # late: these import dnspython
        from dns.world.vantage import vantage_with

        try:
            return world.look(zone, vantage_with(resolver))
        except SyncError as error:
            return world.Signed(zone, None, f"cannot be looked at ({error})")

    def greet(address: str) -> Greeting:
        from dns.world import greeting
        from dns.world.nameservers import has_route

        if not has_route(address):
            return greeting.Greeting(failure="no route")
        return greeting.greet(address, seconds=GREET_SECONDS)

    def policy(domain: str) -> Served:
        from dns.world import policy as world
        from dns.world.vantage import vantage_with

        try:
            return world.fetch(domain, vantage_with(resolver))
        except SyncError as error:
            return Served(failure=str(error))

    return Outside(signed, greet, policy)
