"""An inventory as checked values. Every problem is reported at once. Nothing here touches the network."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from dns.inventory import domain, mail_host
from dns.inventory.domain import Domain
from dns.inventory.hooks import reading as hooks
from dns.inventory.hooks.values import KEY as HOOKS
from dns.inventory.mail_host import MailHost
from dns.inventory.mailboxes import aliases
from dns.inventory.places import Problem
from dns.inventory.store import reading as store
from dns.inventory.store.values import Store
from dns.names import a_label, did_you_mean

GROUP = "mail_hosts"

HostData = tuple[str, Mapping[str, object]]
"""A host as pyinfra knows it: the name that ssh reaches it by, and its data, `domains` among it."""


class InventoryError(Exception):
    """The inventory cannot be used. `str(error)` is for the user and has one line for each problem."""


@dataclass(frozen=True, slots=True)
class Inventory:
    """The hosts that take mail, and the domains that each of them serves."""

    hosts: tuple[MailHost, ...]
    domains: tuple[Domain, ...]
    store: Store | None = None
    """The bucket that mail lies in. None if each host has its own mail, on its own disk."""

    def domain(self, name: str) -> Domain:
        """Find the domain of this name, in A-label or Unicode form. Raises InventoryError."""
        try:
            wanted = a_label(name)
        except ValueError as error:
            raise InventoryError(f"domain {name}: {error}: write it as in example.com") from None
        known = {each.name: each for each in self.domains}
        if wanted not in known:
            raise InventoryError(
                f"domain {name} is not in the inventory{did_you_mean(wanted, known)}: "
                f"it has {', '.join(known)}; add this one to its domains"
            )
        return known[wanted]


_last: tuple[str, Inventory] | None = None


def from_hosts(hosts: Iterable[HostData]) -> Inventory:
    """Return the inventory made of the hosts that pyinfra has read.

    A deploy asks for it at each of its steps, so the last answer is kept: the same data is checked once.
    Raises InventoryError with every problem, one per line.
    """
    global _last
    given = list(hosts)
    key = repr(given)  # == would take True for 1
    if _last is None or _last[0] != key:
        _last = (key, check(given, "inventory"))
    return _last[1]


def check(
    hosts: Sequence[HostData], source: str, line: Callable[[Problem], int | None] = lambda problem: None
) -> Inventory:
    """Check everything. Raises InventoryError.

    `source` is what each problem is reported of, and `line` knows where in it a problem stands.
    """
    problems: list[Problem] = []
    if not hosts:
        problems.append(
            Problem(f'{GROUP} has no host: add one, as ("mx1.example.com", {{"ssh_user": "root"}})')
        )
    mail_hosts: list[MailHost] = []
    for name, data in hosts:
        host, found = mail_host.from_data(name, data)
        problems += found
        for other in mail_hosts:
            if other.hostname == host.hostname:
                text = f"host {name}: its hostname {host.hostname} is that of host {other.name} too"
                problems.append(Problem(text, (name, "hostname")))
        mail_hosts.append(host)
    domains, found = _domains(hosts)
    problems += found
    problems += _unchecked(mail_hosts, domains)
    if not found:  # a domain that is wrong would make its mailboxes unknown
        problems += [
            Problem(f"host {host.name}: {text}", (host.name, HOOKS))
            for host in mail_hosts
            for text in hooks.unheld(host.hooks, domains)
        ]
    problems += _unread(mail_hosts, domains)
    bucket, found = store.from_hosts(hosts, mail_hosts)
    problems += found
    if problems:
        raise InventoryError("\n".join(_reported(problem, source, line(problem)) for problem in problems))
    return Inventory(hosts=tuple(mail_hosts), domains=domains, store=bucket)


def _reported(problem: Problem, source: str, line: int | None) -> str:
    return f"{source}: {problem.text}" if line is None else f"{source}:{line}: {problem.text}"


def _hides_mailboxes(problem: Problem) -> bool:
    return problem.at[-1] == "mailboxes" or (problem.at[0] == "domains" and problem.at[-1] not in domain.KEYS)


def _unchecked(hosts: Iterable[MailHost], domains: Iterable[Domain]) -> Iterator[Problem]:
    """A host that checks no senders cannot refuse forged mail."""
    rejecting = [each.name for each in domains if each.reject_forged]
    for host in hosts:
        if rejecting and not host.checks:
            text = f"checks is False, but reject_forged of domain {rejecting[0]} needs them: take one out"
            yield Problem(f"host {host.name}: {text}", (host.name, "checks"))


def _unread(hosts: Iterable[MailHost], domains: Sequence[Domain]) -> Iterator[Problem]:
    """A reader of a mailbox that there is not."""
    mailboxes = {f"{name}@{each.name}" for each in domains for name in each.mailboxes}
    for host in hosts:
        for mailbox in host.imap.readers if host.imap and domains else ():
            if "@" in mailbox and mailbox not in mailboxes:
                text = (
                    f"readers: {mailbox} is no mailbox of a served domain{did_you_mean(mailbox, mailboxes)}"
                )
                yield Problem(f"host {host.name}: {text}: name a mailbox", (host.name, "readers"))


def _domains(hosts: Sequence[HostData]) -> tuple[tuple[Domain, ...], list[Problem]]:
    if not hosts:
        return (), []
    first, given = hosts[0][0], hosts[0][1].get("domains")
    problems = [
        Problem(
            f"host {name}: its domains differ from those of host {first}: put them in the group's data",
            (name, "domains"),
        )
        for name, data in hosts[1:]
        if data.get("domains") != given
    ]
    if not given:
        text = 'no domain: add "domains": {"example.com": {"mailboxes": ["alice"]}}'
        return (), [*problems, Problem(text, ("domains",))]
    if not isinstance(given, Mapping):
        text = f'domains must be a dict such as {{"example.com": {{...}}}}, not {given!r}'
        return (), [*problems, Problem(text, ("domains",))]
    domains: dict[str, Domain] = {}
    written: dict[str, str] = {}
    for name, data in given.items():
        found, domain_problems = domain.from_data(name, data)
        problems += domain_problems
        if found is None:
            continue
        if found.name in domains:
            text = f"domain {name} is named twice (as {found.name}): name it once"
            problems.append(Problem(text, ("domains", name)))
        domains[found.name], written[found.name] = found, name
    # A misspelt or wrong "mailboxes" would make every alias lead to nobody.
    if len(domains) == len(given) and not any(_hides_mailboxes(problem) for problem in problems):
        held = {each.name: (each.mailboxes, each.aliases) for each in domains.values()}
        problems += [
            Problem(text, ("domains", written[name], "aliases")) for name, text in aliases.problems(held)
        ]
    return tuple(domains.values()), problems
