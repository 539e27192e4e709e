"""The property that a CAA record holds, and its parameters (RFC 8659, section 4; RFC 8657). Pure.

Record data is in the form of `dns.records`: `flags tag "value"`, with the tag in lower case.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from dns.records import joined

TYPE = "CAA"
METHOD = "dns-01"  # how our certificates are proved
CRITICAL = 128
ACCOUNT, METHODS = "accounturi", "validationmethods"
TAGS = ("issue", "issuewild", "iodef", "issuemail", "issuevmc", "contactemail", "contactphone")
"""Those that authorities know: https://www.iana.org/assignments/pkix-parameters, "CAA Properties"."""

_PARAMETER = re.compile(r"([A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)[ \t]*=[ \t]*([\x21-\x3a\x3c-\x7e]*)")
_ISSUER = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*")


@dataclass(frozen=True, slots=True)
class Property:
    """One property. `issuer` and `parameters` are those of an issue or issuewild.

    `issuer` is empty if nobody may issue by it: it names nobody, or its value is malformed (section 4.2).
    """

    flags: int
    tag: str
    value: str
    issuer: str = ""
    parameters: tuple[tuple[str, str], ...] = ()

    @property
    def is_critical(self) -> bool:
        """Whether an authority that does not know the tag may not issue (section 4.1)."""
        return bool(self.flags & CRITICAL)

    def named(self, parameter: str) -> tuple[str, ...]:
        """The values of the parameter of this name."""
        return tuple(value for name, value in self.parameters if name == parameter)

    def __str__(self) -> str:
        return f'{self.tag} "{self.value}"'


def parse(content: str) -> Property:
    """Read record data. What cannot be read is a property that lets nobody issue."""
    flags, _, rest = content.partition(" ")
    tag, _, quoted = rest.partition(" ")
    value = joined(quoted)
    number = int(flags) if flags.isascii() and flags.isdigit() else CRITICAL
    if tag not in ("issue", "issuewild"):
        return Property(number, tag, value)
    issuer, _, more = value.partition(";")
    issuer = issuer.strip(" \t").lower()
    pairs: list[tuple[str, str]] = []
    for text in more.split(";") if more.strip(" \t") else ():
        found = _PARAMETER.fullmatch(text.strip(" \t"))
        if not found:
            return Property(number, tag, value)
        pairs.append((found[1].lower(), found[2]))
    if not _ISSUER.fullmatch(issuer):
        return Property(number, tag, value)
    return Property(number, tag, value, issuer, tuple(pairs))


def bound(identity: str, account: str) -> str:
    """Record data: only this account of this authority may issue, and only by our method (RFC 8657)."""
    return f'0 issue "{identity}; {METHODS}={METHOD}; {ACCOUNT}={account}"'


def names_account(content: str) -> bool:
    """Whether the record data names an account. Those that we publish for a mail host do, and no others."""
    return bool(parse(content).named(ACCOUNT))


def plain(content: str) -> str:
    """The record data without its parameters: what Cloudflare may answer in its place (`allowed.WIDENED`)."""
    found = parse(content)
    return f'{found.flags} {found.tag} "{found.issuer}"'
