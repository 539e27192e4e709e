"""What one server answers to one question, and how that differs from what is expected.

``exchange`` and ``ask`` talk, over UDP and where an answer is cut short over TCP (RFC 7766). The rest
only compares. A fact has three states: present with its values, absent, and unknown. An answer that
gives no ``failure`` says that the fact is present or absent. Every other answer leaves it unknown.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dns.records import SHARED, canonical_content

if TYPE_CHECKING:
    from dns.message import Message
    from dns.name import Name
    from dns.rdatatype import RdataType
    from dns.rrset import RRset

QUERY_SECONDS = 2.0
PAYLOAD = 1232  # octets over UDP that pass every network (DNS flag day 2020)
SAID = ("NOERROR", "NXDOMAIN")  # the response codes that say whether there is a value
NO_ALIAS = (
    "A",
    "AAAA",
    "MX",
)  # a name with one of these may not be an alias (RFC 2181, 10.3; RFC 1034, 3.6.2)


class NoTcp(OSError):
    """The answer was cut short over UDP, and none came over TCP."""


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
    """The target of the name's own CNAME, which is the first one of a chain."""
    silence: str = ""
    """Why no answer came."""
    canonical: str = ""
    """The name at the end of the chain of aliases (RFC 1034, 3.6.2)."""
    referral: str = ""
    """The zone to whose nameservers the server sends the asker on; ``.`` for the root."""

    @property
    def exists(self) -> bool | None:
        """Whether there is a value; None where the answer does not say."""
        return None if self.failure(authoritative=False) else bool(self.values)

    def failure(self, *, authoritative: bool = True) -> str:
        """Why the answer does not say whether there is a value, in words; empty where it does.

        ``authoritative`` asks for an answer of a zone's own nameserver (AA, RFC 1035, 4.1.1).
        """
        if self.silence:
            return f"no answer ({self.silence})"
        if self.status not in SAID:
            return self.status or "no answer"
        if self.referral:
            return f"sends the asker on to the nameservers of {_zone(self.referral)}"
        return "not authoritative" if authoritative and not self.authoritative else ""


NOT_ASKED = Answer(status="", silence="not asked")
BOGUS = "BOGUS"
"""The status of a resolver's answer whose signatures it refuses (RFC 4033, section 5)."""


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

    A packet that answers another question, or has another id, is passed over (RFC 5452, 9.1). A
    server that does not know EDNS is asked without it (RFC 6891, 7). Raises DNSException, OSError
    or EOFError where no answer comes.
    """
    from dns import flags, rcode
    from dns.message import make_query

    asked = make_query(
        name.rstrip(".") + ".", kind, use_edns=0, payload=PAYLOAD, want_dnssec=kind in ("DS", "DNSKEY")
    )
    if not recursive:
        asked.flags &= ~flags.RD
    if not checked:
        asked.flags |= flags.CD
    answer = _over_udp_or_tcp(asked, address, port, seconds)
    if answer.rcode() in (rcode.FORMERR, rcode.NOTIMP) and answer.edns < 0:
        asked.use_edns(False)
        answer = _over_udp_or_tcp(asked, address, port, seconds)
    return answer


def _over_udp_or_tcp(asked: "Message", address: str, port: int, seconds: float) -> "Message":
    from dns import query
    from dns.exception import DNSException
    from dns.message import Truncated

    try:
        return query.udp(
            asked, address, timeout=seconds, port=port, raise_on_truncation=True, ignore_errors=True
        )
    except Truncated:
        pass
    try:
        return query.tcp(asked, address, timeout=seconds, port=port)
    except (DNSException, OSError, EOFError) as error:
        raise NoTcp(f"cut short over UDP, and over TCP {type(error).__name__}") from None


def ask(
    address: str,
    name: str,
    kind: str,
    *,
    port: int = 53,
    recursive: bool = False,
    checked: bool = True,
    seconds: float = QUERY_SECONDS,
) -> Answer:
    """The server's answer to one question; never raises, ``silence`` says why there is none."""
    from dns.exception import DNSException

    try:
        answer = exchange(
            address, name, kind, port=port, recursive=recursive, checked=checked, seconds=seconds
        )
    except NoTcp as error:
        return Answer(status="", silence=str(error))
    except (DNSException, OSError, EOFError) as error:
        return Answer(status="", silence=type(error).__name__)
    return read(answer, kind)


def read(answer: "Message", kind: str) -> Answer:
    """The values of the type at the end of the chain of aliases in the answer, in canonical form."""
    from dns import flags, rcode
    from dns.exception import DNSException
    from dns.message import ChainTooLong, QueryMessage
    from dns.rdatatype import CNAME, NS, SOA

    status = rcode.to_text(answer.rcode())
    authoritative = bool(answer.flags & flags.AA)
    own = next((rrset for rrset in answer.answer if _is_at(rrset, answer, CNAME)), None)
    alias = name_text(own[0].target) if own is not None else ""
    if status not in SAID:  # with an alias, the code is about the end of its chain (RFC 6604, section 3)
        return Answer(status=status, authoritative=authoritative, alias=alias)
    if not isinstance(answer, QueryMessage):  # it answers something else than a question
        return Answer(status="FORMERR", authoritative=authoritative)
    try:
        chain = answer.resolve_chaining()
    except ChainTooLong:
        return Answer(authoritative=authoritative, alias=alias)
    except DNSException:  # no question, or a value for a name that does not exist
        return Answer(status="FORMERR", authoritative=authoritative)
    in_authority = {rrset.rdtype: rrset for rrset in answer.authority}
    rdatas = chain.answer if chain.answer is not None else ()
    said = authoritative or chain.answer is not None or chain.cnames or SOA in in_authority
    referred = None if said else in_authority.get(NS)
    return Answer(
        status=status,
        values=frozenset(canonical_rdata(kind, rdata.to_text()) for rdata in rdatas),
        authoritative=authoritative,
        # Without an SOA nobody is told for how long there is nothing (RFC 2308, section 5).
        ttl=chain.minimum_ttl if chain.answer is not None or SOA in in_authority else 0,
        alias=alias,
        canonical=name_text(chain.canonical_name) if chain.cnames else "",
        referral=name_text(referred.name) if referred is not None else "",
    )


def _is_at(rrset: "RRset", answer: "Message", kind: "RdataType") -> bool:
    return rrset.rdtype == kind and any(rrset.name == question.name for question in answer.question)


def name_text(name: "Name") -> str:
    """The name in lower case, without the last dot; the root as ``.``."""
    return name.to_text(omit_final_dot=True).lower() or "."


def _zone(name: str) -> str:
    return "the root" if name == "." else name


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
    if is_wrong_alias(question, answer) and (answer.authoritative or not authoritative):
        return f"{where}: is an alias of {answer.alias}"
    failure = answer.failure(authoritative=authoritative)
    if failure:
        return f"{where}: {failure}"
    missing, surplus = differing(question, answer)
    if missing:
        return f"{where}: {missing[0]} is missing"
    return f"{where}: {surplus[0]} is still there" if surplus else None


def is_wrong_alias(question: Expected, answer: Answer) -> bool:
    """Whether the name is an alias and may not be one: a mail host, or a domain that takes mail."""
    return bool(answer.alias) and question.type in NO_ALIAS


def unanswered(question: Expected, answer: Answer) -> str:
    """Why a nameserver's answer says nothing of the name, in words; empty where it does.

    Of a name that may not be an alias, an alias says enough, wherever it leads.
    """
    return "" if is_wrong_alias(question, answer) and answer.authoritative else answer.failure()


def differing(question: Expected, answer: Answer) -> tuple[list[str], list[str]]:
    """The values that are missing, and those that are there and should not be."""
    missing = sorted(question.values - answer.values)
    surplus = [] if question.type in SHARED else sorted(answer.values - question.values)
    return missing, surplus
