"""Why what the inventory no longer has must stay: the thing, the cause and the fix, a line each. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, datetime

from dns.until import said_in_words
from dns.world.leads import Leads
from provision.host import layout
from provision.host.served import Served
from provision.withdrawal.given_up import GivenUp

LookUp = Callable[[Iterable[str]], Mapping[str, Leads]]
"""Where the mail of these domains is led, by domain, with the addresses of the targets."""


def _now() -> datetime:
    return datetime.now(UTC)


LACKING = ("the inventory no longer has", "put the domain back")


def refusals(
    lost: GivenUp,
    before: Served | None,
    after: Served,
    addresses: Collection[str],
    look_up: LookUp,
    *,
    lacking: tuple[str, str] = LACKING,
    now: Callable[[], datetime] = _now,
) -> list[str]:
    """Why the lost domains must stay, a line each. Empty if all of them may go.

    `addresses` are the host's own. `look_up` is called only if a domain is lost. `lacking` says who lacks a
    domain, and how it is kept. `now` gives the time in UTC.
    """
    if before is None or not lost.domains:
        return []
    hostnames = {before.hostname, after.hostname}
    leads = look_up(lost.domains)
    problems = [_domain(name, leads[name], hostnames, addresses, lacking, now()) for name in lost.domains]
    return [problem for problem in problems if problem]


def _domain(
    name: str,
    leads: Leads,
    hostnames: Collection[str],
    addresses: Collection[str],
    lacking: tuple[str, str],
    now: datetime,
) -> str:
    thing, keep = f"it serves {name}, which {lacking[0]}", lacking[1]
    forget = f"or give that mail up with --data forget_domain={name}"
    lead = leads.to(hostnames, addresses)
    if lead and not lead.cached:
        away = f"withdraw it with python -m dns.sync {name} --withdraw, which says when to run this again"
        if lead.preference is None:
            away = f"give it a null MX (0 .) at its DNS, wait {lead.ttl} s and run this again"
        return (
            f"{thing}, and {lead} leads mail here ({lead.source} says so), which would be answered 550 and "
            f"returned to its senders: {keep}; or {away}; {forget}"
        )
    if leads.withdrawn_until and leads.withdrawn_until > now:
        return (
            f"{thing}, and its MX was withdrawn, but senders may keep that MX and come until "
            f"{said_in_words(leads.withdrawn_until)}: run this again after that; {forget}"
        )
    if lead:
        return (
            f"{thing}, and its MX has gone, but {lead.source} still keeps {lead} for {lead.ttl} s, and "
            f"senders come here by it: run this again after that; {forget}"
        )
    if leads.unknown:
        return (
            f"{thing}, and whether its MX still leads here cannot be told ({leads.unknown}): {keep}; or see "
            f"to its nameservers and run this again; {forget}"
        )
    return ""


def unserved_here(
    found: Iterable[Leads],
    hostname: str,
    forgotten: Collection[str],
    *,
    now: Callable[[], datetime] = _now,
) -> list[str]:
    """Why a host that serves nothing yet may not take this name, a line each: other mail is led to it.

    `found` is what the zones lead to hosts of the inventory though it does not have the domain.
    """
    problems = []
    for leads in found:
        lead, until, name = leads.to({hostname}), leads.withdrawn_until, leads.domain
        forget = f"or give that mail up with --data forget_domain={name}"
        if name in forgotten:
            continue
        if lead:
            problems.append(
                f"{lead} leads mail here by a record of ours, but the inventory does not have {name}, so "
                "this new host would answer 550 and the mail would be returned to its senders: put "
                f"{name} back; or withdraw it with python -m dns.sync {name} --withdraw, which says when to "
                f"run this again; {forget}"
            )
        elif until and until > now():
            problems.append(
                f"the MX of {name} was withdrawn, but senders may keep that MX and come until "
                f"{said_in_words(until)}, and this new host does not know {name}: run this again after "
                f"that; {forget}"
            )
    return problems


def remarks(lost: GivenUp, *, enforced: Collection[str] = ()) -> list[str]:
    """What the user should know of what is given up: where its mail lies.

    `enforced` are the domains whose MTA-STS policy is to be enforced. A host that gets another name gets
    another certificate, and shows it to senders that come by the old name, too.
    """
    refused = (
        f"senders that keep the policy of {', '.join(sorted(enforced))} and have the MX {lost.hostname} will "
        "find a certificate for another name, and keep mail back until they have the new MX: to avoid that, "
        'write "mta_sts": "testing", deploy, and change the name five minutes later'
    )
    renamed = f"its name was {lost.hostname}; mail is taken under the new name as well as under the old one"
    return [
        *([renamed] if lost.hostname else []),
        *([refused] if lost.hostname and enforced else []),
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
