"""Questions with their answers, which any resolver must give: the relay, and systemd-resolved in the lab."""

from __future__ import annotations

import ipaddress

from receiver.checks.dns_query import AAAA, MX, PTR, TXT, A, Answer, TemporaryFailure
from receiver.checks.resolver import VarlinkResolver

ORIGIN = "checks.test"
LARGE = b"v=DKIM1; k=rsa; p=" + b"A" * 3000
_STRINGS = " ".join(f'"{LARGE[at : at + 255].decode()}"' for at in range(0, len(LARGE), 255))
ZONE = f"""\
$TTL 60
@ SOA ns hostmaster 1 3600 600 86400 30
@ NS ns
ns A 127.0.0.1
@ TXT "v=spf1 include:_spf." "{ORIGIN} -all"
@ TXT "site-verification=abc"
@ MX 20 mx2
@ MX 10 MX1
mx1 A 192.0.2.1
mx1 AAAA 2001:db8::1
s._domainkey TXT "v=DKIM1; p=MIIB"
alias._domainkey CNAME s._domainkey
two._domainkey CNAME alias._domainkey
dangling._domainkey CNAME nowhere
empty._domainkey CNAME mx1
large._domainkey TXT {_STRINGS}
octets TXT "\\228\\000\\010 x" ""
back\\\\slash TXT "escaped"
25.2.0.192 PTR Mail
*.wild TXT "any"
"""
NX = Answer(exists=False)

ANSWERS: dict[tuple[str, int], Answer] = {
    (ORIGIN, TXT): Answer((b"site-verification=abc", f"v=spf1 include:_spf.{ORIGIN} -all".encode())),
    (ORIGIN, MX): Answer((f"mx1.{ORIGIN}", f"mx2.{ORIGIN}")),
    (f"mx1.{ORIGIN}", A): Answer((ipaddress.ip_address("192.0.2.1"),)),
    (f"mx1.{ORIGIN}", AAAA): Answer((ipaddress.ip_address("2001:db8::1"),)),
    (f"mx1.{ORIGIN}", TXT): Answer(),
    (f"25.2.0.192.{ORIGIN}", PTR): Answer((f"mail.{ORIGIN}",)),
    (f"s._domainkey.{ORIGIN}", TXT): Answer((b"v=DKIM1; p=MIIB",)),
    (f"S._DomainKey.{ORIGIN}", TXT): Answer((b"v=DKIM1; p=MIIB",)),
    (f"alias._domainkey.{ORIGIN}", TXT): Answer((b"v=DKIM1; p=MIIB",)),
    (f"two._domainkey.{ORIGIN}", TXT): Answer((b"v=DKIM1; p=MIIB",)),
    (f"dangling._domainkey.{ORIGIN}", TXT): NX,
    (f"empty._domainkey.{ORIGIN}", TXT): Answer(),
    (f"large._domainkey.{ORIGIN}", TXT): Answer((LARGE,)),
    (f"octets.{ORIGIN}", TXT): Answer((b"\xe4\0\n x",)),
    (f"back\\slash.{ORIGIN}", TXT): Answer((b"escaped",)),
    (f"a.b.wild.{ORIGIN}", TXT): Answer((b"any",)),
    (f"nowhere.{ORIGIN}", TXT): NX,
    (f"_domainkey.{ORIGIN}", TXT): Answer(),  # it exists, because names below it do (RFC 8020)
    # systemd-resolved asks no nameserver for these.
    ("example.invalid", TXT): NX,
    ("host.local", TXT): NX,
    ("single-label", A): NX,
    ("1.1.254.169.in-addr.arpa", PTR): NX,
    ("a..b", TXT): NX,
    (f"{'x' * 64}.{ORIGIN}", TXT): NX,
}


def in_any_order(answer: Answer) -> Answer:
    """The answer with its records sorted: nameservers turn those of TXT around."""
    return Answer(tuple(sorted(answer.records, key=str)), answer.exists)


async def wrong(resolver: VarlinkResolver) -> list[str]:
    """What the resolver answers that is not in the table, a line each."""
    found = []
    for (name, kind), expected in ANSWERS.items():
        try:
            told: object = in_any_order(await resolver.query(name, kind))
        except TemporaryFailure as failure:
            told = failure
        if told != in_any_order(expected):
            found.append(f"{name} {kind}: {told!r} in place of {expected!r}")
    return found
