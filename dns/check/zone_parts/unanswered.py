"""Questions that a zone's nameservers do not answer. There is one finding for each cause. Pure.

The cause is the server if it answers nothing for the zone. It is a delegation if the name is delegated away
below the zone. Otherwise it is the name: one type can fail while another is fine.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dns.check.findings import Finding, advised, required
from dns.names import is_within
from dns.world.answers import Answer
from dns.world.expected import Expected, mismatch, no_answer_reason
from dns.world.nameservers import Server
from dns.world.seen import Seen, ServerSeen, server_list

Unanswered = tuple[ServerSeen, Expected, Answer]


def unanswered(seen: Seen) -> Iterator[Finding]:
    """The findings about questions that get no answer that counts."""
    lame: dict[str, list[Unanswered]] = {}
    shadowed: dict[str, list[Unanswered]] = {}
    single: dict[tuple[str, str], list[Unanswered]] = {}
    for one in seen.servers:
        said = [(one, question, one.answer_to(question)) for question in seen.expected]
        failed = [part for part in said if no_answer_reason(part[1], part[2])]
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


def _all_of_them(count: int, seen: Seen) -> str:
    return f" (none of {count} does)" if count == len(seen.servers) else ""


def _lame(parts: Sequence[Unanswered], seen: Seen) -> Finding:
    servers = [one for one, _, _ in parts]
    _, question, answer = parts[0]
    return required(
        "nameserver-silent",
        f"{server_list(servers)}: does not answer for {seen.zone} as it should"
        f"{_all_of_them(len(servers), seen)}: {mismatch(question, answer)}",
        f"if it is not a nameserver of the zone, remove it at the registrar of {seen.zone}; "
        "else run again in a minute",
    )


def _of_one_name(parts: Sequence[Unanswered], seen: Seen) -> Iterator[Finding]:
    """The findings about one name. Servers that fail for the same types share one."""
    by_server: dict[Server, list[Unanswered]] = {}
    for part in parts:
        by_server.setdefault(part[0].server, []).append(part)
    by_types: dict[tuple[str, ...], list[Unanswered]] = {}
    for own in by_server.values():
        by_types.setdefault(tuple(question.type for _, question, _ in own), []).append(own[0])
    for types, alike in by_types.items():
        servers = [one for one, _, _ in alike]
        _, question, answer = alike[0]
        yield required(
            "nameserver-silent",
            f"{question.name} {' and '.join(types)}: is not answered by {server_list(servers)}"
            f"{_all_of_them(len(servers), seen)}: {answer.failure()}",
            "run again in a minute; if it stays so, ask whoever runs the nameservers "
            "(at Cloudflare: the dashboard, and its status page)",
            question.name,
            types[0],
        )


def _shadowed(zone: str, parts: Sequence[Unanswered], seen: Seen) -> Finding:
    """Names that are delegated away below the zone, so that the zone's own records do not count."""
    questions = list(dict.fromkeys(question for _, question, _ in parts))
    names = " and ".join(dict.fromkeys(question.name for question in questions))
    # The nameservers that the name is delegated to may have the records too. Then mail arrives all the same.
    group = advised if all(_is_answered_below(question, seen) for question in questions) else required
    return group(
        "shadowed",
        f"{names}: {zone} is delegated to other nameservers, so those of {seen.zone} do not answer with our "
        "records",
        f"delete the NS records of {zone} in the zone {seen.zone}, or publish the records where they lead",
        questions[0].name,
        questions[0].type,
    )


def _is_answered_below(question: Expected, seen: Seen) -> bool:
    for host in seen.hosts:
        said = {"A": host.a, "AAAA": host.aaaa}.get(question.type)
        if host.hostname == question.name and said is not None:
            return mismatch(question, said) is None
    return False
