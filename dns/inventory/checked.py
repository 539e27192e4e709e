"""``inventory.py``, the one file a user edits, as checked values.

It is a pyinfra inventory whose group ``mail_hosts`` names the hosts, with the domains in the group's
data. ``load`` runs the file for ``python -m dns.sync``; ``from_hosts`` takes the same from the hosts
that pyinfra has read. Both check everything and report every problem at once; neither touches the
network.
"""

import runpy
import traceback
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from dns.inventory import domain as domain_data
from dns.inventory import mail_host as host_data
from dns.inventory.domain import Domain
from dns.inventory.mail_host import MailHost
from dns.names import a_label, did_you_mean

__all__ = ["Domain", "Inventory", "InventoryError", "MailHost", "from_hosts", "load"]

GROUP = "mail_hosts"


class InventoryError(Exception):
    """The inventory cannot be used. ``str`` is for the user: one line a problem, all of them."""


@dataclass(frozen=True, slots=True)
class Inventory:
    """The hosts that take mail, and the domains that every one of them serves."""

    hosts: tuple[MailHost, ...]
    domains: tuple[Domain, ...]

    def domain(self, name: str) -> Domain:
        """The domain of this name, in A-label or Unicode form. Raises InventoryError if it is not served."""
        try:
            wanted = a_label(name)
        except ValueError as error:
            raise InventoryError(f"domain {name}: {error}: write it as in example.com") from None
        known = {domain.name: domain for domain in self.domains}
        if wanted not in known:
            raise InventoryError(
                f"domain {name} is not in the inventory{did_you_mean(wanted, known)}: "
                f"it has {', '.join(known)}; add this one to its domains"
            )
        return known[wanted]


def load(path: Path) -> Inventory:
    """The inventory in the file, which is run as pyinfra runs it.

    Raises InventoryError with every problem, a line each, led by the file's name.
    """
    return _checked(_hosts_of(_run(path), path.name), path.name)


def from_hosts(hosts: Iterable[tuple[str, Mapping[str, object]]]) -> Inventory:
    """The inventory from pyinfra's hosts: each one's name and its data, ``domains`` among them.

    Raises InventoryError with every problem, a line each.
    """
    return _checked(list(hosts), "inventory")


def _run(path: Path) -> dict[str, object]:
    if not path.is_file():
        raise InventoryError(
            f"{path}: there is no such file: run this in the project's folder, or name another"
        )
    try:
        return runpy.run_path(str(path))
    except SyntaxError as error:
        raise InventoryError(f"{path.name}: line {error.lineno}: {error.msg}") from None
    except (Exception, SystemExit) as error:
        lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == str(path)]
        at = f"line {lines[-1]}: " if lines else ""
        raise InventoryError(f"{path.name}: {at}{type(error).__name__}: {error}") from None


def _hosts_of(names: Mapping[str, object], source: str) -> list[tuple[str, Mapping[str, object]]]:
    """The hosts of the group, each with its own data over the group's, over that of ``all``."""
    groups = {
        name: value
        for name, value in names.items()
        if not name.startswith("_") and isinstance(value, list | tuple)
    }
    if GROUP not in groups:
        has = f" (it has {', '.join(groups)})" if groups else ""
        raise InventoryError(
            f"{source}: has no group {GROUP}{has}: name the hosts in {GROUP} = ([...], {{...}})"
        )
    _, shared = _members(groups.get("all", []), source, "all")
    members, data = _members(groups[GROUP], source, GROUP)
    hosts: list[tuple[str, Mapping[str, object]]] = []
    problems: list[str] = []
    for member in members:
        name, own = member if isinstance(member, tuple) and len(member) == 2 else (member, {})
        if isinstance(name, str) and isinstance(own, Mapping):
            hosts.append((name, {**shared, **data, **own}))
        else:
            problems.append(f"{source}: {GROUP}: {member!r} is no host: write a name, or (name, {{...}})")
    if problems:
        raise InventoryError("\n".join(problems))
    return hosts


def _members(group: object, source: str, name: str) -> tuple[list[object], Mapping[str, object]]:
    hosts, data = group if isinstance(group, tuple) and len(group) == 2 else (group, {})
    if not isinstance(hosts, list) or not isinstance(data, Mapping):
        raise InventoryError(f"{source}: {name} must be a list of hosts, or ([hosts], {{data}})")
    return hosts, data


def _checked(hosts: list[tuple[str, Mapping[str, object]]], source: str) -> Inventory:
    problems: list[str] = []
    if not hosts:
        problems.append(f'{GROUP} has no host: add one, as ("mx1.example.com", {{"ssh_user": "root"}})')
    mail_hosts: list[MailHost] = []
    for name, data in hosts:
        host, found = host_data.read(name, data)
        problems += found
        for other in mail_hosts:
            if other.hostname == host.hostname:
                problems.append(f"host {name}: hostname {host.hostname} is that of host {other.name} too")
        mail_hosts.append(host)
    domains, found = _domains(hosts)
    problems += found
    if problems:
        raise InventoryError("\n".join(f"{source}: {problem}" for problem in problems))
    return Inventory(hosts=tuple(mail_hosts), domains=domains)


def _domains(hosts: list[tuple[str, Mapping[str, object]]]) -> tuple[tuple[Domain, ...], list[str]]:
    if not hosts:
        return (), []
    first, given = hosts[0][0], hosts[0][1].get("domains")
    problems = [
        f"host {name}: its domains differ from those of host {first}: put them in the group's data"
        for name, data in hosts[1:]
        if data.get("domains") != given
    ]
    if not given:
        return (), [*problems, 'no domain: add "domains": {"example.com": {"mailboxes": ["alice"]}}']
    if not isinstance(given, Mapping):
        return (), [*problems, f'domains must be a dict such as {{"example.com": {{...}}}}, not {given!r}']
    domains: dict[str, Domain] = {}
    for name, data in given.items():
        domain, found = domain_data.read(name, data)
        problems += found
        if domain is None:
            continue
        if domain.name in domains:
            problems.append(f"domain {name} is named twice (as {domain.name}): name it once")
        domains[domain.name] = domain
    if len(domains) == len(given):
        problems += domain_data.alias_problems(domains)
    return tuple(domains.values()), problems
