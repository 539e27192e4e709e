"""Waiting until a zone's own nameservers answer what it should publish.

Every nameserver is asked at each of its addresses, without recursion, over IPv4 and over IPv6 if this machine
has it. An answer counts if it is authoritative (AA, RFC 1035) and holds exactly the expected records. For TXT
and CAA it must hold at least those.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from dns.errors import NotServed
from dns.world import asking
from dns.world.answers import Answer
from dns.world.expected import Expected, mismatch
from dns.world.nameservers import Server
from dns.world.progress import OnProgress, Progress, ignore

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 2.0


@dataclass(frozen=True, slots=True)
class Wrong:
    """A question that a server does not answer as expected."""

    question: Expected
    answer: Answer

    @property
    def problem(self) -> str:
        """What is wrong, in words."""
        return mismatch(self.question, self.answer) or ""


def wait(
    servers: Sequence[Server],
    questions: Sequence[Expected],
    *,
    seconds: float,
    port: int = 53,
    on_progress: OnProgress = ignore,
) -> float:
    """Ask until every server answers every question as expected. Returns how many seconds that took.

    Raises NotServed after `seconds`. It names what each server still answers wrongly, on a line of its own.
    """
    started = time.monotonic()
    pause = FIRST_PAUSE
    known = {server: Progress(server, 0, len(questions), "not asked yet") for server in servers}
    left = {server: list(questions) for server in servers}
    with ThreadPoolExecutor(max_workers=min(16, max(4, os.cpu_count() or 4) * 2)) as pool:
        while True:
            pairs = [(server, question) for server, rest in left.items() for question in rest]
            wrong: dict[Server, list[Wrong]] = {server: [] for server in servers}
            for (server, _), one in zip(
                pairs, pool.map(lambda pair: _ask(pair[0], pair[1], port), pairs), strict=True
            ):
                if one:
                    wrong[server].append(one)
            for server, problems in wrong.items():
                left[server] = [one.question for one in problems]
                problem = problems[0].problem if problems else ""
                known[server] = Progress(server, len(questions) - len(problems), len(questions), problem)
            on_progress(known)
            passed = time.monotonic() - started
            unreached = out_of_reach(wrong)
            if all(progress.done or server in unreached for server, progress in known.items()):
                return passed
            if passed + pause > seconds:
                raise NotServed(_late(seconds, known))
            time.sleep(pause)
            pause = min(pause * 1.5, LONGEST_PAUSE)


def _ask(server: Server, question: Expected, port: int) -> Wrong | None:
    """The server's answer if it is not as expected, else None."""
    wrong = Wrong(question, asking.ask(server.address, question.name, question.type, port=port))
    return wrong if wrong.problem else None


def out_of_reach(wrong: Mapping[Server, Sequence[Wrong]]) -> frozenset[Server]:
    """The servers of an IP version over which none answers, if over the other all answer as expected.

    Then the fault is this machine's network: it has a route that leads nowhere.
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


def longest_ttl(servers: Sequence[Server], questions: Sequence[Expected], port: int = 53) -> int | None:
    """For how many seconds caches may keep the answers that are about to change. None if that is not known.

    It is the longest TTL of the values, or of their absence (RFC 2308), that differ from what is expected. It
    is not known if some question gets no authoritative answer.
    """
    longest = 0
    for question in questions:
        for server in servers:
            answer = asking.ask(server.address, question.name, question.type, port=port)
            if not answer.failure():
                longest = max(longest, answer.ttl if mismatch(question, answer) else 0)
                break
        else:
            return None
    return longest


def _late(seconds: float, known: Mapping[Server, Progress]) -> str:
    """What is still missing after the deadline."""
    late = [progress for progress in known.values() if not progress.done]
    return "\n".join(
        [
            f"after {seconds:g} s {len(late)} of {len(known)} nameserver addresses do not answer as they "
            "should: run again in a minute, nothing more needs to be changed",
            *(f"  {one.server}: {one.problem}" for one in late),
        ]
    )
