"""What is seen of a domain that is as it should be, with parts that a test can change. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dns.check import judge_mail, judge_zone
from dns.check.findings import Finding
from dns.world.answers import Answer
from dns.world.delegation import Delegation
from dns.world.expected import Expected
from dns.world.greeting import Greeting
from dns.world.nameservers import Server
from dns.world.seen import AddressSeen, HostSeen, Seen, ServerSeen

V4, V6 = "185.199.108.25", "2a00:1450:4001::25"
MX = Expected("e.org", "MX", frozenset({"10 mx.e.org"}))
A = Expected("mx.e.org", "A", frozenset({V4}))
AAAA = Expected("mx.e.org", "AAAA", frozenset({V6}))
SPF = Expected("e.org", "TXT", frozenset({"v=spf1 -all"}))
NAMES = ("ann.ns.cloudflare.com", "bob.ns.cloudflare.com")
SILENCE = Answer("", silence="Timeout")
ALIAS = Answer(values=A.values, alias="x.net")
HELLO = Greeting(code=220, text="mx.e.org ESMTP")
OTHER_ZONE: dict[str, Any] = {"in_zone": False}


def answers(**changes: Answer) -> dict[tuple[str, str], Answer]:
    """The answers of a nameserver that is right, with changes by type."""
    right = {(q.name, q.type): Answer(values=q.values, ttl=300) for q in (MX, A, AAAA)}
    right["e.org", "NS"] = Answer(values=frozenset(NAMES))
    names = {kind: key for key in right for kind in [key[1]]}
    return {**right, **{names.get(kind, ("e.org", kind)): answer for kind, answer in changes.items()}}


def seen(**changes: Any) -> Seen:
    """The domain, with changes."""
    ds = frozenset({"1 13 2 ab"})
    right = Seen(
        domain="e.org",
        zone="e.org",
        delegation=Delegation("e.org", "org", NAMES, ds=ds),
        expected=(MX, A, AAAA),
        servers=tuple(
            ServerSeen(Server(name, address), answers()) for name in NAMES for address in ("1.0.0.1", "::2")
        ),
        resolvers=(ServerSeen(Server("resolver", "9.9.9.9"), answers()),),
        key_ds=ds,
        ds_to_set="1 13 2 AB",
        hosts=(host(),),
        addresses=(place(V4), place(V6)),
        own_nameservers=NAMES,
    )
    return replace(right, **changes)


def host(a: Answer | None = None, aaaa: Answer | None = None, **changes: Any) -> HostSeen:
    """Its mail host, with changes."""
    right = HostSeen(
        "mx.e.org",
        Answer(values=A.values) if a is None else a,
        Answer(values=AAAA.values) if aaaa is None else aaaa,
        A.values,
        AAAA.values,
    )
    return replace(right, **changes)


def place(address: str, greeting: Greeting | None = HELLO, **changes: Any) -> AddressSeen:
    """An address of the mail host, with changes."""
    right = AddressSeen("mx.e.org", address, greeting, {"mx.e.org": frozenset({address})})
    return replace(right, **changes)


def servers(answered: Mapping[tuple[str, str], Answer]) -> tuple[ServerSeen, ...]:
    """Two nameserver addresses that answer alike."""
    return tuple(ServerSeen(Server(name, "1.0.0.1"), answered) for name in NAMES)


def silent(status: str = "") -> dict[tuple[str, str], Answer]:
    """A server that answers no question, or every question with this response code."""
    return dict.fromkeys(answers(), Answer(status) if status else SILENCE)


def resolver(address: str = "9.9.9.9", **changes: Answer) -> tuple[ServerSeen, ...]:
    """A resolver that is right, with changes."""
    return (ServerSeen(Server("resolver", address), answers(**changes)),)


def judge(what: Seen) -> list[Finding]:
    """All findings."""
    return [*judge_zone.judge(what), *judge_mail.judge(what)]
