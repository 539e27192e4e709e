"""Asking one server one question: over UDP, and over TCP if the answer is cut short (RFC 7766)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dns.world.answers import Answer, from_message

if TYPE_CHECKING:
    from dns.message import Message

QUERY_SECONDS = 2.0
PAYLOAD = 1232  # octets over UDP that pass every network (DNS flag day 2020)


class NoTcp(OSError):
    """The answer was cut short over UDP, and none came over TCP."""


def exchange(
    address: str,
    name: str,
    kind: str,
    *,
    port: int = 53,
    recursive: bool = False,
    validate: bool = True,
    seconds: float = QUERY_SECONDS,
) -> Message:
    """Return the server's whole answer. If not `validate`, a resolver is asked not to (CD, RFC 4035).

    A packet that answers another question or has another id is ignored (RFC 5452, 9.1). A server that does
    not know EDNS is asked again without it (RFC 6891, 7). Raises DNSException, OSError or EOFError if no
    answer comes.
    """
    from dns import flags, rcode
    from dns.message import make_query

    question = make_query(
        name.rstrip(".") + ".", kind, use_edns=0, payload=PAYLOAD, want_dnssec=kind in ("DS", "DNSKEY")
    )
    if not recursive:
        question.flags &= ~flags.RD
    if not validate:
        question.flags |= flags.CD
    answer = _over_udp_or_tcp(question, address, port, seconds)
    if answer.rcode() in (rcode.FORMERR, rcode.NOTIMP) and answer.edns < 0:
        question.use_edns(False)
        answer = _over_udp_or_tcp(question, address, port, seconds)
    return answer


def _over_udp_or_tcp(question: Message, address: str, port: int, seconds: float) -> Message:
    from dns import query
    from dns.exception import DNSException
    from dns.message import Truncated

    try:
        return query.udp(
            question, address, timeout=seconds, port=port, raise_on_truncation=True, ignore_errors=True
        )
    except Truncated:
        pass
    try:
        return query.tcp(question, address, timeout=seconds, port=port)
    except (DNSException, OSError, EOFError) as error:
        raise NoTcp(f"cut short over UDP, and over TCP {type(error).__name__}") from None


def ask(
    address: str,
    name: str,
    kind: str,
    *,
    port: int = 53,
    recursive: bool = False,
    validate: bool = True,
    seconds: float = QUERY_SECONDS,
) -> Answer:
    """Return the server's answer to one question. Never raises: `silence` says why there is no answer."""
    from dns.exception import DNSException

    try:
        message = exchange(
            address, name, kind, port=port, recursive=recursive, validate=validate, seconds=seconds
        )
    except NoTcp as error:
        return Answer(status="", silence=str(error))
    except (DNSException, OSError, EOFError) as error:
        return Answer(status="", silence=type(error).__name__)
    return from_message(message, kind)


def ask_again_if_lost(address: str, name: str, kind: str, *, port: int = 53) -> Answer:
    """`ask`, and once more if no answer came: over UDP any may get lost."""
    answer = ask(address, name, kind, port=port)
    return ask(address, name, kind, port=port) if answer.silence else answer
