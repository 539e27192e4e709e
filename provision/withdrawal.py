"""What the inventory no longer has is not given up while mail is led to it: a domain, or the host's name.

A host that stops serving a domain answers its mail with 550, and senders return that mail to its authors.
So it may stop only after the DNS leads none of it here. What the host serves is read from the host, and
where mail is led from the domain's own nameservers; where these do not answer, the domain stays.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace

from pyinfra import context, logger
from pyinfra.api.exceptions import DeployError
from pyinfra.api.host import Host

from dns import host_addresses
from dns.errors import SyncError
from dns.inventory import MailHost
from dns.leads import Leads, look_up, with_addresses
from provision.desired.state import desired, inventory, told
from provision.dns import own_addresses
from provision.host import layout, served
from provision.host.observed import Generation, Observed
from provision.host.served import GivenUp, Served, given_up
from provision.step import observe, untouched

Look = Callable[[Iterable[str], bool], Mapping[str, Leads]]
"""Where the mail of these domains is led, by domain; with the addresses of its targets if so asked."""


def prepare() -> None:
    """Look at what the host serves, before anything is touched, and say what it will serve no longer.

    Raises:
        DeployError: mail is still led to what would be given up, or that cannot be told; a line each.
    """
    host, seen, wanted = context.host, observe(), desired()
    after = served.parse(wanted.configuration)
    lost = given_up(seen.served, after)
    # A name that another host takes over keeps its addresses.
    names = {*told(host, "forget_host"), *(each.hostname for each in inventory().hosts)}
    remaining = less(lost, told(host, "forget_domain"), names)
    problems = refusals(remaining, seen.served, after, own(wanted.host, seen), look_with({after.hostname}))
    if problems:
        raise DeployError(untouched(problems))
    for remark in remarks(lost):
        logger.warning(f"{host.print_prefix}{remark}")


def rolling_back(host: Host, seen: Observed, target: Generation) -> list[str]:
    """Why the host may not go back to this generation: it lacks a domain that mail is still led here for."""
    if target.served is None:
        return [f"what generation {target.name} serves cannot be read: name another with --data generation="]
    wanted = desired(host).host
    lost = less(replace(given_up(seen.served, target.served), hostname=None), told(host, "forget_domain"), ())
    return refusals(
        lost,
        seen.served,
        target.served,
        own(wanted, seen),
        look_with({target.served.hostname}),
        lacking=(f"generation {target.name} does not have", "stay, or name another with --data generation="),
    )


def less(lost: GivenUp, domains: Collection[str], names: Collection[str]) -> GivenUp:
    """What is given up without these domains and host names, which may go."""
    return replace(
        lost,
        hostname=None if lost.hostname in names else lost.hostname,
        domains=tuple(name for name in lost.domains if name not in domains),
    )


LACKING = ("the inventory no longer has", "put the domain back")


def refusals(
    lost: GivenUp,
    before: Served | None,
    after: Served,
    addresses: Collection[str],
    look: Look,
    *,
    lacking: tuple[str, str] = LACKING,
) -> list[str]:
    """Why what is lost must stay: the thing, the cause and the mend of each, in a line. Empty: it may go.

    `addresses` are the host's own. `look` is called only for the domains that matter. `lacking` says who
    lacks a domain, and how it is kept.
    """
    problems = []
    if before is not None and lost.domains:
        names = {before.hostname, after.hostname}
        leads = look(lost.domains, True)
        problems += [_domain(name, leads[name], names, addresses, lacking) for name in lost.domains]
    if lost.hostname:
        problems.append(_renamed(lost.hostname, after.hostname, look(after.domains, False).values()))
    return [problem for problem in problems if problem]


def _domain(
    name: str, leads: Leads, names: Collection[str], addresses: Collection[str], lacking: tuple[str, str]
) -> str:
    thing, keep = f"it serves {name}, which {lacking[0]}", lacking[1]
    forget = f"or give that mail up with --data forget_domain={name}"
    if lead := leads.to(names, addresses):
        away = "give it a null MX (0 .)" if lead.preference is None else "delete that MX"
        return (
            f"{thing}, and {lead} leads mail here ({lead.source} says so), which would be answered 550 and "
            f"returned to its senders: {keep}; or {away} at its DNS, wait {lead.ttl} s and run this again "
            f"(docs/host.md); {forget}"
        )
    if leads.unknown:
        return (
            f"{thing}, and whether its MX still leads here cannot be told ({leads.unknown}): {keep}; or see "
            f"to its nameservers and run this again; {forget}"
        )
    return ""


def _renamed(old: str, new: str, known: Iterable[Leads]) -> str:
    thing = f"its name is {old}, and the inventory calls it {new}"
    mend = (
        f'keep the name ("hostname": "{old}"), or change it in steps (docs/host.md); or risk that mail with '
        f"--data forget_host={old}"
    )
    unknown = ""
    for leads in known:
        if lead := leads.to({old}):
            return (
                f"{thing}, and {lead} leads mail to the old name ({lead.source} says so): a sender may keep "
                f"that MX for {lead.ttl} s, find no address, and return its mail as undeliverable: {mend}"
            )
        if leads.unknown and not unknown:
            unknown = (
                f"{thing}, and whether the MX of {leads.domain} leads mail to the old name cannot be told "
                f"({leads.unknown}): {mend}"
            )
    return unknown


def remarks(lost: GivenUp) -> list[str]:
    """What the user should know of what is given up: where its mail lies."""
    return [
        *(
            f"{name} is no longer served: mail to it is answered 550; what came before stays in "
            f"{layout.MAIL}/{name}"
            for name in lost.domains
        ),
        *(
            f"{mailbox}@{domain} is a mailbox no longer: mail to it is answered 550 unless an alias or the "
            f"catch-all takes it; what came before stays in {layout.MAIL}/{domain}/{mailbox}"
            for domain, mailbox in lost.mailboxes
        ),
    ]


def own(host: MailHost, seen: Observed) -> frozenset[str]:
    """All addresses of the host: the inventory's, and those it has itself. Raises DeployError."""
    said = frozenset(filter(None, (host.ipv4, host.ipv6)))
    if not seen.addresses and host_addresses.is_complete(host):
        return said
    read = own_addresses(host.name, seen)
    return said | {*read.ipv4, *read.ipv6}


def look_with(names: Collection[str]) -> Look:
    """Asking the DNS, as `LETTERBOX_RESOLVER` or the system says; the addresses of `names` are known."""

    def look(domains: Iterable[str], addresses: bool) -> dict[str, Leads]:
        from dns.check import asking_from

        try:
            where = asking_from(None)
        except SyncError as error:
            raise DeployError(str(error)) from None
        found = {name: look_up(name, where) for name in domains}
        if not addresses:
            return found
        return {name: with_addresses(leads, where, but=names) for name, leads in found.items()}

    return look
