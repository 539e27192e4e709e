"""What resolvers make of a zone: whether they accept its signatures, and what is in their caches. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from dns.check.findings import ELSEWHERE, Finding, advised, required, unknown
from dns.names import is_within
from dns.world.answers import BOGUS, NOT_ASKED, Answer
from dns.world.expected import Expected, mismatch
from dns.world.resolvers import PUBLIC_RESOLVERS
from dns.world.seen import Seen, ServerSeen, server_list
from dns.world.signed import DIGESTS


def signatures(seen: Seen) -> Iterator[Finding]:
    """Whether the DS at the parent match the zone's keys (RFC 4035, section 5). An unsigned zone is fine."""
    if seen.delegation is None or not is_within(seen.domain, seen.zone):
        return
    at_parent = seen.delegation.ds
    known = {ds for ds in at_parent or () if ds.split()[2:3] and ds.split()[2] in DIGESTS}
    if at_parent is None:
        problem = f"{seen.zone}: {seen.delegation.parent} does not answer whether there is a DS for it"
        if not _public_resolver_accepts(seen):
            yield unknown("ds", problem, ELSEWHERE)
    elif known and seen.key_ds is None:
        if not _why_keys_are_unknown(seen) and _public_resolver_accepts(seen):
            return
        yield unknown(
            "ds",
            f"{seen.zone}. DS {sorted(known)[0]}: no nameserver answers which keys the zone has "
            f"({_why_keys_are_unknown(seen) or 'not asked'}), so it is not known whether one of them matches",
            "run again in a minute; resolvers that check may refuse all of the zone meanwhile",
        )
    elif known and not known & (seen.key_ds or frozenset()):
        what = "other keys than these" if seen.key_ds else "no key, because it is not signed"
        set_it = f"replace it by {seen.zone}. DS {seen.ds_to_set}" if seen.ds_to_set else "delete it"
        yield required(
            "ds",
            f"{seen.zone}. DS {sorted(known)[0]}: the zone has {what}; resolvers that check refuse all of it",
            f"at the registrar, {set_it}",
        )
    elif known and (unsigned := _without_keys(seen)):
        yield required(
            "unsigned",
            f"{server_list(unsigned)}: has no keys for {seen.zone}, although its other nameservers have and "
            "its parent asks for signatures; resolvers that check refuse its answers",
            "make sure that this nameserver has the zone as the others do, or remove it at the registrar",
        )
    elif not at_parent and seen.ds_to_set:
        yield advised(
            "ds-missing",
            f"{seen.zone}: is signed, but its parent has no DS for it, so nobody checks the signatures",
            f"at the registrar, add {seen.zone}. DS {seen.ds_to_set}",
        )


def _public_resolver_accepts(seen: Seen) -> bool:
    """Whether a public resolver answers everything right, so that it does not refuse the signatures."""
    return any(_is_public(one) and _worst(one, seen)[0] is None for one in seen.resolvers)


def _keys_of(one: ServerSeen, zone: str) -> Answer:
    return one.answers.get((zone, "DNSKEY"), NOT_ASKED)


def _why_keys_are_unknown(seen: Seen) -> str:
    """Why the nameservers that were asked do not tell which keys there are."""
    said = [(one, _keys_of(one, seen.zone)) for one in seen.servers]
    failed = {answer.failure(): one for one, answer in said if answer is not NOT_ASKED and answer.failure()}
    return ", ".join(f"{one.server}: {why}" for why, one in failed.items())


def _without_keys(seen: Seen) -> list[ServerSeen]:
    said = [(one, _keys_of(one, seen.zone)) for one in seen.servers]
    return [one for one, answer in said if not answer.failure() and not answer.values]


def caches(seen: Seen, *, explained: bool = False) -> Iterator[Finding]:
    """Whether the resolvers answer what the nameservers answer now, or what they answered before.

    If another finding has `explained` why resolvers refuse the zone, only old answers are reported.
    """
    said = [(one, *_worst(one, seen)) for one in seen.resolvers]
    bogus = [one for one, answer, _ in said if answer and answer.status == BOGUS]
    failing = [(one, wrong) for one, answer, wrong in said if answer and answer.exists is None]
    failing = [(one, wrong) for one, wrong in failing if one not in bogus]
    differing = [(one, wrong) for one, answer, wrong in said if answer and answer.exists is not None]
    stale = [
        one for one, _ in differing if one.server.address not in seen.expired and _longest_ttl(one, seen)
    ]
    others = [(one, wrong) for one, wrong in differing if one not in stale]
    good = [one for one, answer, _ in said if answer is None]
    if bogus and not explained:
        yield _bogus(bogus, [*good, *stale], seen.zone)
    if failing and not (bogus or good or stale or explained):
        what = ", ".join(f"{one.server.address}: {wrong}" for one, wrong in (*failing, *others))
        yield unknown(
            "resolver",
            f"{seen.domain}: none of {len(said)} resolvers answers as its nameservers do ({what}), so it is "
            "not known what senders are answered",
            "check the network, name another with --resolver, or run this from another network",
        )
    elif not explained:
        yield from _some_fail([pair for pair in failing if not _is_silent(pair[0])])
        yield from _some_differ(others, advised if good or stale or bogus else unknown)
    if stale:
        yield advised(
            "stale",
            f"{seen.domain}: {_resolvers(stale)} still has old answers, for "
            f"{max(_longest_ttl(one, seen) for one in stale)} s more",
            "wait, nothing needs to be changed; if they stay longer than that, the resolver changes answers",
        )


def differing_answers(one: ServerSeen, seen: Seen) -> list[tuple[Expected, Answer]]:
    """The questions that a resolver answers otherwise than the nameservers should, with its answers."""
    return [(question, answer) for question, answer, _ in _wrong(one, seen) if answer.exists is not None]


def _wrong(one: ServerSeen, seen: Seen) -> list[tuple[Expected, Answer, str]]:
    """What it does not answer as the nameservers should: the question, its answer, and what is wrong."""
    found: list[tuple[Expected, Answer, str]] = []
    for question in seen.expected:
        answer = one.answers.get((question.name, question.type))
        if answer and (wrong := mismatch(question, answer, authoritative=False)):
            found.append((question, answer, wrong))
    return found


def _worst(one: ServerSeen, seen: Seen) -> tuple[Answer | None, str]:
    """The answer that tells most about how a resolver fails, and what is wrong. None if nothing is wrong."""
    wrong = _wrong(one, seen)
    wrong.sort(key=lambda part: (part[1].status != BOGUS, part[1].exists is not None))
    return (wrong[0][1], wrong[0][2]) if wrong else (None, "")


def _longest_ttl(one: ServerSeen, seen: Seen) -> int:
    """For how many seconds its differing answers may stay. 0 if they come from no cache."""
    return max((answer.ttl for _, answer in differing_answers(one, seen)), default=0)


def _is_silent(one: ServerSeen) -> bool:
    return all(answer.silence for answer in one.answers.values())


def _bogus(bogus: Sequence[ServerSeen], fine: Sequence[ServerSeen], zone: str) -> Finding:
    # If only a resolver of this network refuses, its clock may be wrong or its trust anchors old.
    is_its_own = any(map(_is_public, fine)) and not any(map(_is_public, bogus))
    return (advised if is_its_own else required)(
        "bogus",
        f"{zone}: {_resolvers(bogus)} refuses its DNSSEC signatures"
        + (", and public resolvers do not" if is_its_own else ""),
        "check that resolver's clock and trust anchors"
        if is_its_own
        else "check DNS > Settings > DNSSEC in the dashboard, and the DS at the registrar",
    )


def _is_public(one: ServerSeen) -> bool:
    return one.server.address in PUBLIC_RESOLVERS


def _some_fail(failing: Sequence[tuple[ServerSeen, str]]) -> Iterator[Finding]:
    for wrong, who in _by_problem(failing).items():
        yield advised("resolver", f"{_resolvers(who)} gives no answer: {wrong}", "run again in a minute")


def _some_differ(
    others: Sequence[tuple[ServerSeen, str]], group: Callable[..., Finding]
) -> Iterator[Finding]:
    for wrong, who in _by_problem(others).items():
        yield group(
            "resolver",
            f"{_resolvers(who)} answers otherwise than the nameservers, and not from a cache: {wrong}",
            "ask whoever runs it: it changes answers, or does not get them from the zone's nameservers",
        )


def _by_problem(pairs: Sequence[tuple[ServerSeen, str]]) -> dict[str, list[ServerSeen]]:
    found: dict[str, list[ServerSeen]] = {}
    for one, wrong in pairs:
        found.setdefault(wrong, []).append(one)
    return found


def _resolvers(who: Sequence[ServerSeen]) -> str:
    return "resolver " + ", ".join(one.server.address for one in who)
