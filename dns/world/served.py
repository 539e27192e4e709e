"""Whether a zone's own nameservers answer what it should publish, and waiting until they do.

Every nameserver is asked at each of its addresses, over IPv4 and IPv6 where this machine has them,
without recursion; an answer counts when it is authoritative (AA, RFC 1035) and holds exactly the
records that are expected, or for TXT at least those.
"""

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dns.errors import NotServed, SyncError
from dns.plan.matching import Plan
from dns.records import Record
from dns.terminal.arguments import resolver_address
from dns.world import answers
from dns.world.answers import Answer, Expected, lacking
from dns.world.nameservers import Server, addresses_by, has_route, sorted_out

if TYPE_CHECKING:
    from dns.resolver import Resolver

__all__ = [
    "Expected",
    "Progress",
    "Server",
    "Wrong",
    "expected",
    "has_route",
    "resolver_at",
    "servers_of",
    "wait",
]

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 2.0


@dataclass(frozen=True, slots=True)
class Progress:
    """How one server stands: how many of the questions it answers as expected, and what it lacks."""

    server: Server
    good: int
    asked: int
    lacking: str = ""

    @property
    def done(self) -> bool:
        """Whether it answers all as expected."""
        return self.good == self.asked


@dataclass(frozen=True, slots=True)
class Wrong:
    """A question that a server does not answer as expected."""

    question: Expected
    answer: Answer

    @property
    def problem(self) -> str:
        """What is wrong, in words."""
        return lacking(self.question, self.answer) or ""


def expected(plan: Plan) -> tuple[Expected, ...]:
    """What the nameservers are to answer once the plan is carried out."""
    published = [record for record in plan.desired if record not in plan.withheld]
    asked = {(record.name, record.type) for record in published}
    spared = [held.record for held in plan.spared if (held.record.name, held.record.type) in asked]
    return questions([*published, *spared])


def questions(published: Iterable[Record]) -> tuple[Expected, ...]:
    """What nameservers are to answer that publish these records; a host's other family is to be empty."""
    values: dict[tuple[str, str], set[str]] = {}
    for record in published:
        values.setdefault((record.name, record.type), set()).add(_rdata(record))
        if record.type in ("A", "AAAA"):
            for kind in ("A", "AAAA"):
                values.setdefault((record.name, kind), set())
    return tuple(Expected(name, kind, frozenset(texts)) for (name, kind), texts in values.items())


def _rdata(record: Record) -> str:
    return f"{record.priority} {record.content}" if record.type == "MX" else record.content


def resolver_at(text: str | None) -> "Resolver":
    """The resolver at ``ADDRESS`` or ``ADDRESS#PORT``, or the system's. Raises SyncError."""
    import dns.resolver as dns_resolver

    try:
        if not text:
            return dns_resolver.Resolver()
        address, _, port = resolver_address(text).partition("#")
        resolver = dns_resolver.Resolver(configure=False)
        resolver.nameservers = [address]
        resolver.port = int(port or 53)
        return resolver
    except ValueError as error:
        raise SyncError(f"resolver {text}: {error}") from None
    except dns_resolver.NoResolverConfiguration as error:
        raise SyncError(f"resolver of the system: {error}: name one with --resolver") from None


def servers_of(nameservers: Iterable[str], resolver: "Resolver") -> tuple[Server, ...]:
    """The addresses of the nameservers that this machine can send to.

    Raises SyncError if there are none, and if the addresses of one of them could not be looked up: what
    was not asked of that one is not known.
    """
    located = sorted_out((name, addresses_by(resolver, name)) for name in nameservers)
    if located.servers and not located.unlocated:
        return located.servers
    lost = dict(located.unlocated)
    nowhere = next(iter(located.without_address), None)
    reason = (
        f"{nowhere} has no address" if nowhere else "none has an address that this machine has a route to"
    )
    raise SyncError(
        f"the zone's nameservers ({', '.join(lost or nameservers)}) cannot be asked "
        f"({next(iter(lost.values()), reason)}): see the network, or name a resolver with --resolver"
    )


def ask(server: Server, question: Expected, port: int) -> Wrong | None:
    """The server's answer where it is not as expected, else None."""
    wrong = Wrong(question, answers.ask(server.address, question.name, question.type, port=port))
    return wrong if wrong.problem else None


def wait(
    servers: Sequence[Server],
    questions: Sequence[Expected],
    *,
    seconds: float,
    port: int = 53,
    show: Callable[[Mapping[Server, Progress]], None] = lambda progress: None,
) -> float:
    """Ask until every server answers every question as expected; the seconds that took.

    ``show`` is called whenever something is known anew. Raises NotServed with what is lacking, each
    server's on its own line, when ``seconds`` have passed.
    """
    started = time.monotonic()
    pause = FIRST_PAUSE
    known = {server: Progress(server, 0, len(questions), "not asked yet") for server in servers}
    open_questions = {server: list(questions) for server in servers}
    with ThreadPoolExecutor(max_workers=min(16, max(4, os.cpu_count() or 4) * 2)) as pool:
        while True:
            pairs = [(server, question) for server, rest in open_questions.items() for question in rest]
            wrong: dict[Server, list[Wrong]] = {server: [] for server in servers}
            for (server, _), one in zip(
                pairs, pool.map(lambda pair: ask(pair[0], pair[1], port), pairs), strict=True
            ):
                if one:
                    wrong[server].append(one)
            for server, problems in wrong.items():
                open_questions[server] = [one.question for one in problems]
                lacks = problems[0].problem if problems else ""
                known[server] = Progress(server, len(questions) - len(problems), len(questions), lacks)
            show(known)
            passed = time.monotonic() - started
            unreached = out_of_reach(wrong)
            if all(progress.done or server in unreached for server, progress in known.items()):
                return passed
            if passed + pause > seconds:
                raise NotServed(lacking_after(seconds, known))
            time.sleep(pause)
            pause = min(pause * 1.5, LONGEST_PAUSE)


def out_of_reach(wrong: Mapping[Server, Sequence[Wrong]]) -> frozenset[Server]:
    """The servers of an IP version in which none answers, while in the other all do, and as expected.

    That is this machine's own network: it has a route that leads nowhere.
    """
    versions: dict[int, list[Server]] = {4: [], 6: []}
    for server in wrong:
        versions[server.version].append(server)
    for here, other in ((6, 4), (4, 6)):
        silent = all(
            problems and all(one.answer.silence for one in problems)
            for problems in (wrong[server] for server in versions[here])
        )
        if versions[here] and silent and versions[other] and not any(wrong[s] for s in versions[other]):
            return frozenset(versions[here])
    return frozenset()


def lifetime(servers: Sequence[Server], questions: Sequence[Expected], port: int = 53) -> int | None:
    """For how many seconds caches may keep what is answered now and differs; None where that is not known.

    That is the time to live of the values, or of their absence (RFC 2308). It is not known where some
    question gets no authoritative answer.
    """
    longest = 0
    for question in questions:
        for server in servers:
            answer = answers.ask(server.address, question.name, question.type, port=port)
            if not answer.failure():
                longest = max(longest, answer.ttl if lacking(question, answer) else 0)
                break
        else:
            return None
    return longest


def lacking_after(seconds: float, known: Mapping[Server, Progress]) -> str:
    """What is still missing when the deadline has passed."""
    late = [progress for progress in known.values() if not progress.done]
    lines = [f"{late_one.server.name} ({late_one.server.address}): {late_one.lacking}" for late_one in late]
    return "\n".join(
        [
            f"after {seconds:g} s {len(late)} of {len(known)} nameserver addresses do not answer as they "
            "should: run again in a minute, nothing more needs to be changed",
            *(f"  {line}" for line in lines),
        ]
    )
