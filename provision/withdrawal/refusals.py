"""Why what the inventory no longer has must stay: the thing, the cause and the fix, a line each. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping

from dns.world.leads import Leads
from provision.host import layout
from provision.host.served import Served
from provision.withdrawal.given_up import GivenUp

LookUp = Callable[[Iterable[str], bool], Mapping[str, Leads]]
"""Where the mail of these domains is led, by domain; with the addresses of the targets if so asked."""

LACKING = ("the inventory no longer has", "put the domain back")


def refusals(
    lost: GivenUp,
    before: Served | None,
    after: Served,
    addresses: Collection[str],
    look_up: LookUp,
    *,
    lacking: tuple[str, str] = LACKING,
) -> list[str]:
    """Why what is lost must stay, a line each. Empty if all of it may go.

    `addresses` are the host's own. `look_up` is called only for the domains that matter. `lacking` says who
    lacks a domain, and how it is kept.
    """
    problems = []
    if before is not None and lost.domains:
        hostnames = {before.hostname, after.hostname}
        leads = look_up(lost.domains, True)
        problems += [_domain(name, leads[name], hostnames, addresses, lacking) for name in lost.domains]
    if lost.hostname:
        problems.append(_renamed(lost.hostname, after.hostname, look_up(after.domains, False).values()))
    return [problem for problem in problems if problem]


def _domain(
    name: str,
    leads: Leads,
    hostnames: Collection[str],
    addresses: Collection[str],
    lacking: tuple[str, str],
) -> str:
    thing, keep = f"it serves {name}, which {lacking[0]}", lacking[1]
    forget = f"or give that mail up with --data forget_domain={name}"
    if lead := leads.to(hostnames, addresses):
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
    fix = (
        f'keep the name ("hostname": "{old}"), or change it in steps (docs/host.md); or risk that mail with '
        f"--data forget_host={old}"
    )
    unknown = ""
    for leads in known:
        if lead := leads.to({old}):
            return (
                f"{thing}, and {lead} leads mail to the old name ({lead.source} says so): a sender may keep "
                f"that MX for {lead.ttl} s, find no address, and return its mail as undeliverable: {fix}"
            )
        if leads.unknown and not unknown:
            unknown = (
                f"{thing}, and whether the MX of {leads.domain} leads mail to the old name cannot be told "
                f"({leads.unknown}): {fix}"
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
            f"{mailbox}@{domain} is no longer a mailbox: mail to it is answered 550 unless an alias or the "
            f"catch-all takes it; what came before stays in {layout.MAIL}/{domain}/{mailbox}"
            for domain, mailbox in lost.mailboxes
        ),
    ]
