"""Asking one nameserver or resolver every question of a look."""

from __future__ import annotations

from collections.abc import Sequence

from dns.world import answers, asking
from dns.world.answers import Answer
from dns.world.expected import Expected, mismatch
from dns.world.nameservers import Server
from dns.world.progress import Progress, ProgressBoard
from dns.world.seen import ServerSeen


def ask_server(
    server: Server, wanted: Sequence[Expected], zone: str, port: int, recursive: bool, board: ProgressBoard
) -> ServerSeen:
    """Ask the server every question, and a nameserver also for the zone's NS and keys.

    A server that has answered neither of the first two questions is asked no more, because each further
    question would take as long again. A server that is silent for some types only is asked for all.
    """
    found: dict[tuple[str, str], Answer] = {}
    good, problem = 0, ""
    more = () if recursive else tuple(Expected(zone, kind, frozenset()) for kind in ("NS", "DNSKEY"))
    for question in (*wanted, *more):
        nothing_yet = bool(found) and all(answer.silence for answer in found.values())
        if nothing_yet and len(found) > 1:
            answer = next(iter(found.values()))
        else:
            answer = _ask_again_if_lost(server, question, port, recursive, again=not nothing_yet)
        found[question.name, question.type] = answer
        if question not in more:
            wrong = mismatch(question, answer, authoritative=not recursive)
            good, problem = good + (wrong is None), problem or wrong or ""
            board.set(Progress(server, good, len(wanted), problem or "asking"))
    return ServerSeen(server, found)


def _ask_again_if_lost(
    server: Server, question: Expected, port: int, recursive: bool, *, again: bool
) -> Answer:
    """The server's answer. With `again` it is asked once more if the answer got lost or it failed."""

    def ask(validate: bool = True) -> Answer:
        return asking.ask(
            server.address, question.name, question.type, port=port, recursive=recursive, validate=validate
        )

    answer = ask()
    if again and (answer.silence or answer.status == "SERVFAIL"):
        answer = ask()
    if answer.status == "SERVFAIL" and recursive and ask(validate=False).exists is not None:
        # It answers if it need not validate. So it is the signatures that it refuses (RFC 4035, 4.7).
        return Answer(status=answers.BOGUS)
    return answer


def nothing_differs(servers: Sequence[ServerSeen], wanted: Sequence[Expected]) -> bool:
    """Whether some nameserver answers everything as expected, and none gives another answer.

    A nameserver that gives no answer does not matter, because resolvers skip it too.
    """

    def wrong_answers(one: ServerSeen) -> list[Answer]:
        pairs = ((question, one.answers[question.name, question.type]) for question in wanted)
        return [answer for question, answer in pairs if mismatch(question, answer)]

    found = [wrong_answers(one) for one in servers]
    return not all(found) and all(answer.failure() for one in found for answer in one)
