"""What resolvers make of a zone: its signatures, and what they have in their caches. Pure."""

from collections.abc import Callable, Iterator, Sequence

from dns.check.findings import ELSEWHERE, Finding, advised, required, unknown
from dns.names import is_within
from dns.world.answers import BOGUS, NOT_ASKED, Answer, Expected, lacking
from dns.world.seen import Seen, ServerSeen, places
from dns.world.vantage import PUBLIC_RESOLVERS

DIGESTS = ("1", "2", "4")  # SHA-1, SHA-256, SHA-384: those whose DS is computed for comparing


def signatures(seen: Seen) -> Iterator[Finding]:
    """Whether the parent's DS fit the zone's keys (RFC 4035, section 5); an unsigned zone is fine."""
    if seen.delegation is None or not is_within(seen.domain, seen.zone):
        return
    parents = seen.delegation.ds
    known = {ds for ds in parents or () if ds.split()[2:3] and ds.split()[2] in DIGESTS}
    if parents is None:
        problem = f"{seen.zone}: {seen.delegation.parent} does not say whether there is a DS for it"
        if not _is_vouched_for(seen):
            yield unknown("ds", problem, ELSEWHERE)
    elif known and seen.key_ds is None:
        if not _said_of_keys(seen) and _is_vouched_for(seen):
            return
        yield unknown(
            "ds",
            f"{seen.zone}. DS {sorted(known)[0]}: no nameserver says which keys the zone has "
            f"({_said_of_keys(seen) or 'not asked'}), so it cannot be told whether one of them fits",
            "run again in a minute; resolvers that check may refuse all of the zone meanwhile",
        )
    elif known and not known & (seen.key_ds or frozenset()):
        what = "other keys than these" if seen.key_ds else "none: the zone is not signed"
        set_it = f"replace it by {seen.zone}. DS {seen.ds_to_set}" if seen.ds_to_set else "delete it"
        yield required(
            "ds",
            f"{seen.zone}. DS {sorted(known)[0]}: the zone has {what}; resolvers that check refuse all of it",
            f"at the registrar, {set_it}",
        )
    elif known and (unsigned := _without_keys(seen)):
        yield required(
            "unsigned",
            f"{places(unsigned)}: has no keys for {seen.zone}, while its other nameservers have and its "
            "parent asks for signatures; resolvers that check refuse its answers",
            "see that this nameserver has the zone as the others do, or take it out at the registrar",
        )
    elif not parents and seen.ds_to_set:
        yield advised(
            "ds-missing",
            f"{seen.zone}: is signed, but its parent does not say so, and nobody checks the signatures",
            f"at the registrar, add {seen.zone}. DS {seen.ds_to_set}",
        )


def _is_vouched_for(seen: Seen) -> bool:
    """Whether a resolver that checks signatures takes those of the zone, or needs none."""
    return any(_is_public(one) and _worst(one, seen)[0] is None for one in seen.resolvers)


def _keys_of(one: ServerSeen, zone: str) -> Answer:
    return one.answers.get((zone, "DNSKEY"), NOT_ASKED)


def _said_of_keys(seen: Seen) -> str:
    """Why the nameservers that were asked do not say which keys there are."""
    said = [(one, _keys_of(one, seen.zone)) for one in seen.servers]
    failed = {answer.failure(): one for one, answer in said if answer is not NOT_ASKED and answer.failure()}
    return ", ".join(f"{one.server.name} ({one.server.address}): {why}" for why, one in failed.items())


def _without_keys(seen: Seen) -> list[ServerSeen]:
    said = [(one, _keys_of(one, seen.zone)) for one in seen.servers]
    return [one for one, answer in said if not answer.failure() and not answer.values]


def caches(seen: Seen, *, explained: bool = False) -> Iterator[Finding]:
    """Whether the resolvers answer what the nameservers do, or still what they did.

    Where it is ``explained`` why resolvers refuse the zone, only old answers are left to say.
    """
    said = [(one, *_worst(one, seen)) for one in seen.resolvers]
    bogus = [one for one, answer, _ in said if answer and answer.status == BOGUS]
    failing = [(one, lacks) for one, answer, lacks in said if answer and answer.exists is None]
    failing = [(one, lacks) for one, lacks in failing if one not in bogus]
    differing = [(one, lacks) for one, answer, lacks in said if answer and answer.exists is not None]
    stale = [one for one, _ in differing if one.server.address not in seen.outlived and _lifetime(one, seen)]
    others = [(one, lacks) for one, lacks in differing if one not in stale]
    good = [one for one, answer, _ in said if answer is None]
    if bogus and not explained:
        yield _bogus(bogus, [*good, *stale], seen.zone)
    if failing and not (bogus or good or stale or explained):
        what = ", ".join(f"{one.server.address}: {lacks}" for one, lacks in (*failing, *others))
        yield unknown(
            "resolver",
            f"{seen.domain}: none of {len(said)} resolvers answers as its nameservers do ({what}), so it "
            "cannot be told what senders are told",
            "see the network, name another with --resolver, or run this from another network",
        )
    elif not explained:
        yield from _some_fail([pair for pair in failing if not _is_silent(pair[0])])
        yield from _some_differ(others, advised if good or stale or bogus else unknown)
    if stale:
        yield advised(
            "stale",
            f"{seen.domain}: {_resolvers(stale)} still has old answers, for "
            f"{max(_lifetime(one, seen) for one in stale)} s more",
            "wait, nothing is to be changed; if they stay longer than that, it changes answers by itself",
        )


def differing_answers(one: ServerSeen, seen: Seen) -> list[tuple[Expected, Answer]]:
    """The questions that a resolver answers otherwise than the nameservers should, with its answers."""
    return [(question, answer) for question, answer, _ in _wrong(one, seen) if answer.exists is not None]


def _wrong(one: ServerSeen, seen: Seen) -> list[tuple[Expected, Answer, str]]:
    """What it was asked and does not answer as the nameservers should, and what that lacks."""
    found: list[tuple[Expected, Answer, str]] = []
    for question in seen.expected:
        answer = one.answers.get((question.name, question.type))
        if answer and (lacks := lacking(question, answer, authoritative=False)):
            found.append((question, answer, lacks))
    return found


def _worst(one: ServerSeen, seen: Seen) -> tuple[Answer | None, str]:
    """The answer that tells most of how a resolver fails, and what it lacks; None where all is right."""
    wrong = _wrong(one, seen)
    wrong.sort(key=lambda part: (part[1].status != BOGUS, part[1].exists is not None))
    return (wrong[0][1], wrong[0][2]) if wrong else (None, "")


def _lifetime(one: ServerSeen, seen: Seen) -> int:
    """For how many seconds its differing answers may stay; 0 where no cache holds them."""
    return max((answer.ttl for _, answer in differing_answers(one, seen)), default=0)


def _is_silent(one: ServerSeen) -> bool:
    return all(answer.silence for answer in one.answers.values())


def _bogus(bogus: Sequence[ServerSeen], fine: Sequence[ServerSeen], zone: str) -> Finding:
    # One resolver of this network alone may have a wrong clock, or old trust anchors.
    is_its_own = any(map(_is_public, fine)) and not any(map(_is_public, bogus))
    return (advised if is_its_own else required)(
        "bogus",
        f"{zone}: {_resolvers(bogus)} refuses its DNSSEC signatures"
        + (", and public ones do not" if is_its_own else ""),
        "see that resolver's clock and trust anchors"
        if is_its_own
        else "see DNS > Settings > DNSSEC in the dashboard, and the DS at the registrar",
    )


def _is_public(one: ServerSeen) -> bool:
    return one.server.address in PUBLIC_RESOLVERS


def _some_fail(failing: Sequence[tuple[ServerSeen, str]]) -> Iterator[Finding]:
    for lacks, who in _by_lack(failing).items():
        yield advised("resolver", f"{_resolvers(who)} gives no answer: {lacks}", "run again in a minute")


def _some_differ(
    others: Sequence[tuple[ServerSeen, str]], group: Callable[..., Finding]
) -> Iterator[Finding]:
    for lacks, who in _by_lack(others).items():
        yield group(
            "resolver",
            f"{_resolvers(who)} answers otherwise than the nameservers, and not from a cache: {lacks}",
            "ask whoever runs it: it changes answers, or does not get them from the zone's nameservers",
        )


def _by_lack(pairs: Sequence[tuple[ServerSeen, str]]) -> dict[str, list[ServerSeen]]:
    found: dict[str, list[ServerSeen]] = {}
    for one, lacks in pairs:
        found.setdefault(lacks, []).append(one)
    return found


def _resolvers(who: Sequence[ServerSeen]) -> str:
    return "resolver " + ", ".join(one.server.address for one in who)
