"""One server's answer to one question about the DNS. Pure.

A fact has three states: present with its values, absent, or unknown. If `Answer.failure` is empty, the answer
says that the fact is present or absent. Every other answer leaves it unknown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dns.records import canonical_content

if TYPE_CHECKING:
    from dns.message import Message
    from dns.name import Name
    from dns.rdatatype import RdataType
    from dns.rrset import RRset

CONCLUSIVE = ("NOERROR", "NXDOMAIN")  # the response codes that say whether there is a value
BOGUS = "BOGUS"
"""The status of a resolver's answer if the resolver refuses the signatures (RFC 4033, section 5)."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer. `ttl` is in seconds: that of the values, or of their absence (RFC 2308)."""

    status: str = "NOERROR"
    """The response code; empty if no answer came."""
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
    """The zone whose nameservers the server sends the asker on to; `.` for the root."""

    @property
    def exists(self) -> bool | None:
        """Whether there is a value; None if the answer does not tell."""
        return None if self.failure(authoritative=False) else bool(self.values)

    def failure(self, *, authoritative: bool = True) -> str:
        """Why the answer does not tell whether there is a value, in words. Empty if it tells.

        With `authoritative` only an answer of the zone's own nameserver counts (AA, RFC 1035, 4.1.1).
        """
        if self.silence:
            return f"no answer ({self.silence})"
        if self.status not in CONCLUSIVE:
            return self.status or "no answer"
        if self.referral:
            zone = "the root" if self.referral == "." else self.referral
            return f"sends the asker on to the nameservers of {zone}"
        return "not authoritative" if authoritative and not self.authoritative else ""


NOT_ASKED = Answer(status="", silence="not asked")


def from_message(message: Message, kind: str) -> Answer:
    """Read the values of this type at the end of the chain of aliases in the message, in canonical form."""
    from dns import flags, rcode
    from dns.exception import DNSException
    from dns.message import ChainTooLong, QueryMessage
    from dns.rdatatype import CNAME, NS, SOA

    status = rcode.to_text(message.rcode())
    authoritative = bool(message.flags & flags.AA)
    own = next((rrset for rrset in message.answer if _is_at_the_name(rrset, message, CNAME)), None)
    alias = name_text(own[0].target) if own is not None else ""
    if (
        status not in CONCLUSIVE
    ):  # with an alias, the code is about the end of its chain (RFC 6604, section 3)
        return Answer(status=status, authoritative=authoritative, alias=alias)
    if not isinstance(message, QueryMessage):  # the message is not the answer to a question
        return Answer(status="FORMERR", authoritative=authoritative)
    try:
        chain = message.resolve_chaining()
    except ChainTooLong:
        return Answer(authoritative=authoritative, alias=alias)
    except DNSException:  # the message has no question, or a value for a name that does not exist
        return Answer(status="FORMERR", authoritative=authoritative)
    in_authority = {rrset.rdtype: rrset for rrset in message.authority}
    rdatas = chain.answer if chain.answer is not None else ()
    answered = authoritative or chain.answer is not None or chain.cnames or SOA in in_authority
    referral = None if answered else in_authority.get(NS)
    return Answer(
        status=status,
        values=frozenset(canonical_rdata(kind, rdata.to_text()) for rdata in rdatas),
        authoritative=authoritative,
        # Only an SOA says for how long nothing is there (RFC 2308, section 5).
        ttl=chain.minimum_ttl if chain.answer is not None or SOA in in_authority else 0,
        alias=alias,
        canonical=name_text(chain.canonical_name) if chain.cnames else "",
        referral=name_text(referral.name) if referral is not None else "",
    )


def _is_at_the_name(rrset: RRset, message: Message, kind: RdataType) -> bool:
    """Whether the records are of this type, and at the name that was asked for."""
    return rrset.rdtype == kind and any(rrset.name == question.name for question in message.question)


def name_text(name: Name) -> str:
    """Return the name in lower case, without the last dot. The root is `.`."""
    return name.to_text(omit_final_dot=True).lower() or "."


def canonical_rdata(kind: str, text: str) -> str:
    """Return record data, as dnspython writes it, in the form in which records are compared."""
    if kind == "MX":
        priority, _, target = text.partition(" ")
        return f"{int(priority)} {canonical_content(kind, target)}"
    if kind == "DS":
        *head, digest = text.split(maxsplit=3)
        return " ".join([*head, digest.replace(" ", "").lower()])
    return canonical_content(kind, text)
