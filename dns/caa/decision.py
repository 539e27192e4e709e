"""The CAA records of mail hosts: the account that renews the certificate of each, at its own name. Pure.

| what is known                                               | what becomes of our record at a host's name |
| ----------------------------------------------------------- | ------------------------------------------- |
| no domain of the zone has `"caa": True`, or the host's      | it is deleted                               |
| certificate is self-signed                                  |                                             |
| its account, and the names of the authority                 | exactly the one that names this account     |
| anything of that is not known                               | it stays as it is, and it is said why       |

Nothing is published at the zone's own name: it would hold for every name below that has no CAA of its own,
the web site's too. The records of a host belong to all domains of its zone, as its addresses do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from dns.caa import properties
from dns.inventory import Domain, Inventory, MailHost, host_account
from dns.inventory.host_keys import HostKeys
from dns.names import is_within
from dns.records import Record

NOT_ASKED = HostKeys(unread="its account was not asked for")


@dataclass(frozen=True, slots=True)
class Caa:
    """What is decided for one domain. By default nothing is published, and nothing is left alone."""

    contents: Mapping[str, str] = field(default_factory=dict)
    """The record data for each hostname."""
    untouched: frozenset[str] = frozenset()
    """The names of the hosts whose record of ours stays as it is."""
    notes: tuple[str, ...] = ()
    """A line for each host without a record that follows what is known, with the reason."""

    def records(self, ttl: int, mark: str) -> tuple[Record, ...]:
        """The records to publish."""
        return tuple(
            Record(properties.TYPE, name, content, ttl=ttl, comment=mark)
            for name, content in self.contents.items()
        )


NOTHING = Caa()


def is_wanted(inventory: Inventory, zone: str) -> bool:
    """Whether a domain of this zone asks for CAA at the names of its hosts."""
    return any(domain.caa_at_hosts and is_within(domain.name, zone) for domain in inventory.domains)


def is_bound(inventory: Inventory, host: MailHost, zone: str) -> bool:
    """Whether a domain asks for a record at the name of this host, which is in this zone or in another."""
    if is_within(host.hostname, zone):
        return is_wanted(inventory, zone) and host.hostname != zone
    return _is_wanted_elsewhere(host, inventory.domains)


def hosts_to_ask(inventory: Inventory, zone: str) -> tuple[MailHost, ...]:
    """The hosts whose account must be known for the zone."""
    if not is_wanted(inventory, zone):
        return ()
    return tuple(
        host
        for host in inventory.hosts
        if host.certificate and host.hostname != zone and is_within(host.hostname, zone)
    )


def decide(inventory: Inventory, served: Domain, zone: str, keys: Mapping[str, HostKeys]) -> Caa:
    """Decide what to publish. `keys` are what the hosts answered, by `MailHost.name`."""
    notes = list(_without_record(inventory, served, zone)) if served.caa_at_hosts else []
    contents: dict[str, str] = {}
    untouched: set[str] = set()
    for host in hosts_to_ask(inventory, zone):
        held = keys.get(host.name, NOT_ASKED)
        if why := _unknown(host, held):
            untouched.add(host.hostname)
            notes.append(f"{host.hostname}: no CAA is published, and ours stays as it is, because {why}")
        else:
            contents[host.hostname] = properties.bound(held.identities[0], held.account)
    return Caa(contents, frozenset(untouched), tuple(notes))


def _unknown(host: MailHost, held: HostKeys) -> str:
    """Why it is not known which account will renew the host's certificate. Empty if it is known."""
    assert host.certificate is not None, "asked of `hosts_to_ask`"
    if held.unread:
        return held.unread
    if not held.account:
        return (
            "the account at the authority is not known: whoever renews the certificate makes it, this "
            "machine or the host, so deploy it from the machine that does (pyinfra inventory.py deploy.py)"
        )
    if not held.identities:
        return f"the authority does not say which name it has in CAA records ({held.account})"
    wanted = host_account.identities_of(host.certificate.authority)
    if wanted and not set(wanted) & set(held.identities):
        return f"its account is still one of {held.identities[0]}: deploy it (pyinfra inventory.py deploy.py)"
    return ""


def _without_record(inventory: Inventory, served: Domain, zone: str) -> Iterator[str]:
    """What is said of the hosts for which the domain gets no record of ours."""
    for host in inventory.hosts:
        if host.certificate is None:
            yield (
                f'{host.hostname}: has a self-signed certificate, so "caa": True of {served.name} publishes '
                'nothing for it: add "certificate" to the host, or take "caa" out'
            )
        elif host.hostname == zone:
            yield (
                f"{host.hostname}: is the name of the zone, where a CAA would hold for its web site too, so "
                'none is published: name the authorities, as "caa": ["letsencrypt.org"]'
            )
        elif not is_within(host.hostname, zone) and not _is_wanted_elsewhere(host, inventory.domains):
            yield (
                f"{host.hostname}: is outside the zone {zone}, and its CAA belongs into its own one: add "
                '"caa": True to a domain of that'
            )


def _is_wanted_elsewhere(host: MailHost, domains: Iterable[Domain]) -> bool:
    return any(domain.caa_at_hosts and is_within(host.hostname, domain.name) for domain in domains)
