"""What one server answers to one question, and how that differs from what is expected.

``exchange`` and ``ask`` talk, over UDP and where that is cut short over TCP (RFC 7766); ``lacking``
only compares. An answer of a zone's own nameserver counts when it is authoritative (AA, RFC 1035).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dns.records import SHARED, canonical_content

if TYPE_CHECKING:
    from dns.message import Message

QUERY_SECONDS = 2.0
SILENT = ": no answer ("


@dataclass(frozen=True, slots=True)
class Expected:
    """What is to be answered for one name and type: these values and no others, unless it is TXT or CAA."""

    name: str
    type: str
    values: frozenset[str]


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer. ``ttl`` in seconds, of the values or of their absence (RFC 2308)."""

    status: str = "NOERROR"
    """The response code; empty where no answer came."""
    values: frozenset[str] = frozenset()
    authoritative: bool = True
    ttl: int = 0
    alias: str = ""
    """What the name is an alias of."""
    silence: str = ""
    """Why no answer came."""

    @property
    def exists(self) -> bool | None:
        """Whether there is a value; None where the answer does not say."""
        if self.status not in ("NOERROR", "NXDOMAIN"):
            return None
        return bool(self.values)


def exchange(
    address: str,
    name: str,
    kind: str,
    *,
    port: int = 53,
    recursive: bool = False,
    checked: bool = True,
    seconds: float = QUERY_SECONDS,
) -> "Message":
    """The server's whole answer. ``checked`` False asks a resolver not to validate (CD, RFC 4035).

    Raises DNSException, OSError or EOFError where none comes.
    """
    from dns import flags, query
    from dns.message import make_query

    asked = make_query(name.rstrip(".") + ".", kind, want_dnssec=kind in ("DS", "DNSKEY"))
    if not recursive:
        asked.flags &= ~flags.RD
    if not checked:
        asked.flags |= flags.CD
    return query.udp_with_fallback(asked, address, timeout=seconds, port=port)[0]


def ask(
    address: str,
    name: str,
    kind: str,
    *,
    port: int = 53,
    recursive: bool = False,
    checked: bool = True,
) -> Answer:
    """The server's answer to one question; never raises, ``silence`` says why there is none."""
    from dns.exception import DNSException

    try:
        answer = exchange(address, name, kind, port=port, recursive=recursive, checked=checked)
    except (DNSException, OSError, EOFError) as error:
        return Answer(status="", silence=type(error).__name__)
    return read(answer, kind)


def read(answer: "Message", kind: str) -> Answer:
    """The values of the type in the answer, in canonical form, wherever its aliases lead."""
    from dns import flags, rcode
    from dns.rdatatype import CNAME, SOA, RdataType

    wanted = RdataType.make(kind)
    values: set[str] = set()
    ttl, alias = 0, ""
    for rrset in answer.answer:
        if rrset.rdtype == wanted:
            values |= {canonical_rdata(kind, rdata.to_text()) for rdata in rrset}
            ttl = rrset.ttl
        elif rrset.rdtype == CNAME:
            alias = rrset[0].to_text().rstrip(".").lower()
    for rrset in answer.authority:
        if rrset.rdtype == SOA and not values:
            ttl = min(rrset.ttl, rrset[0].minimum)
    return Answer(
        status=rcode.to_text(answer.rcode()),
        values=frozenset(values),
        authoritative=bool(answer.flags & flags.AA),
        ttl=ttl,
        alias=alias,
    )


def canonical_rdata(kind: str, text: str) -> str:
    """Record data as dnspython writes it, in the form in which records are compared."""
    if kind == "MX":
        priority, _, target = text.partition(" ")
        return f"{int(priority)} {canonical_content(kind, target)}"
    if kind == "DS":
        *head, digest = text.split(maxsplit=3)
        return " ".join([*head, digest.replace(" ", "").lower()])
    return canonical_content(kind, text)


def lacking(question: Expected, answer: Answer, *, authoritative: bool = True) -> str | None:
    """What is wrong with the answer, or None. ``authoritative``: whether it is to be."""
    where = f"{question.name} {question.type}"
    if answer.silence:
        return f"{where}{SILENT}{answer.silence})"
    if answer.exists is None:
        return f"{where}: {answer.status}"
    if authoritative and not answer.authoritative:
        return f"{where}: not authoritative"
    missing, surplus = differing(question, answer)
    if missing:
        return f"{where}: {missing[0]} is missing"
    return f"{where}: {surplus[0]} is still there" if surplus else None


def differing(question: Expected, answer: Answer) -> tuple[list[str], list[str]]:
    """The values that are missing, and those that are there and should not be."""
    missing = sorted(question.values - answer.values)
    surplus = [] if question.type in SHARED else sorted(answer.values - question.values)
    return missing, surplus
