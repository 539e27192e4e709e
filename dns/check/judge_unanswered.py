"""Questions that a zone's nameservers do not answer, each found by its cause. Pure.

The cause is the server where it answers nothing for the zone, a delegation where a name is delegated away
below the zone, and else the name: one type can fail while another is fine.
"""

from collections.abc import Iterator, Sequence

from dns.check.findings import Finding, advised, required
from dns.names import is_within
from dns.world import answers
from dns.world.answers import NOT_ASKED, Answer, Expected, lacking
from dns.world.nameservers import Server
from dns.world.seen import Seen, ServerSeen, places

Unanswered = tuple[ServerSeen, Expected, Answer]


def answer_of(one: ServerSeen, question: Expected) -> Answer:
    """What it answered; a server that was given up is as silent as it was before."""
    silences = (answer for answer in one.answers.values() if answer.silence)
    return one.answers.get((question.name, question.type)) or next(silences, NOT_ASKED)


def unanswered(seen: Seen) -> Iterator[Finding]:
    """Questions that get no answer that counts, by cause: the server, a delegation, or the name."""
    lame: dict[str, list[Unanswered]] = {}
    shadowed: dict[str, list[Unanswered]] = {}
    single: dict[tuple[str, str], list[Unanswered]] = {}
    for one in seen.servers:
        said = [(one, question, answer_of(one, question)) for question in seen.expected]
        failed = [part for part in said if answers.unanswered(part[1], part[2])]
        below = [part for part in failed if _is_below(part[2].referral, part[1].name, seen.zone)]
        for part in below:
            shadowed.setdefault(part[2].referral, []).append(part)
        if said and len(failed) == len(said) and not below:
            lame.setdefault(failed[0][2].failure(), []).append(failed[0])
            continue
        for part in failed:
            if part not in below:
                single.setdefault((part[1].name, part[2].failure()), []).append(part)
    for parts in lame.values():
        yield _lame(parts, seen)
    for zone, parts in shadowed.items():
        yield _shadowed(zone, parts, seen)
    for parts in single.values():
        yield from _of_one_name(parts, seen)


def _is_below(referral: str, name: str, zone: str) -> bool:
    """Whether a referral leads to a zone between this one and the name."""
    return bool(referral) and referral != zone and is_within(referral, zone) and is_within(name, referral)


def _every(count: int, seen: Seen) -> str:
    return f" (of {count}, none does)" if count == len(seen.servers) else ""


def _lame(parts: Sequence[Unanswered], seen: Seen) -> Finding:
    who = [one for one, _, _ in parts]
    _, question, answer = parts[0]
    return required(
        "nameserver-silent",
        f"{places(who)}: does not answer for {seen.zone} as it should{_every(len(who), seen)}: "
        f"{lacking(question, answer)}",
        f"if it is not one of the zone's nameservers, take it out at the registrar of {seen.zone}; "
        "else run again in a minute",
    )


def _of_one_name(parts: Sequence[Unanswered], seen: Seen) -> Iterator[Finding]:
    """One name that gets no answer, from servers that answer other questions: its types, by who fails."""
    by_server: dict[Server, list[Unanswered]] = {}
    for part in parts:
        by_server.setdefault(part[0].server, []).append(part)
    by_types: dict[tuple[str, ...], list[Unanswered]] = {}
    for own in by_server.values():
        by_types.setdefault(tuple(question.type for _, question, _ in own), []).append(own[0])
    for types, alike in by_types.items():
        who = [one for one, _, _ in alike]
        _, question, answer = alike[0]
        yield required(
            "nameserver-silent",
            f"{question.name} {' and '.join(types)}: is not answered by {places(who)}"
            f"{_every(len(who), seen)}: {answer.failure()}",
            "run again in a minute; if it stays, ask whoever runs the nameservers "
            "(at Cloudflare: the dashboard, and its status page)",
            question.name,
            types[0],
        )


def _shadowed(zone: str, parts: Sequence[Unanswered], seen: Seen) -> Finding:
    """Names that are delegated away below the zone, so that what the zone holds of them is not answered."""
    questions = list(dict.fromkeys(question for _, question, _ in parts))
    names = " and ".join(dict.fromkeys(question.name for question in questions))
    # The nameservers that it is delegated to may have the records: then mail arrives all the same.
    group = advised if all(_is_answered_below(question, seen) for question in questions) else required
    return group(
        "shadowed",
        f"{names}: {zone} is delegated to other nameservers, so those of {seen.zone} do not answer for it "
        "with our records",
        f"delete the NS records of {zone} in the zone {seen.zone}, or publish the records where they lead",
        questions[0].name,
        questions[0].type,
    )


def _is_answered_below(question: Expected, seen: Seen) -> bool:
    for host in seen.hosts:
        said = {"A": host.a, "AAAA": host.aaaa}.get(question.type)
        if host.hostname == question.name and said is not None:
            return lacking(question, said) is None
    return False
