"""What is wrong with a zone, as its nameservers answer, is found once, with its fix."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dns.world.answers import Answer
from dns.world.nameservers import Server
from dns.world.seen import Seen, ServerSeen
from tests.dns.check.judging.values import (
    AAAA,
    ALIAS,
    MX,
    NAMES,
    SILENCE,
    SPF,
    A,
    answers,
    host,
    judge,
    seen,
    servers,
    silent,
)

NOT_AUTHORITATIVE = Answer(authoritative=False)
BELOW = Answer(authoritative=False, referral="mx.e.org")
UPWARDS = Answer(authoritative=False, referral=".")
AAAA_RIGHT = Answer(values=AAAA.values)
TWO = Answer(values=frozenset({"v=spf1 -all", "v=spf1 mx -all"}))


@pytest.mark.parametrize(
    ("wrong", "group", "code", "said"),
    [
        (
            seen(servers=servers(answers(MX=Answer(values=frozenset({"10 1.2.3.4"}))))),
            "required",
            "mx-address",
            "--replace-mx 1.2.3.4",
        ),
        (
            seen(servers=servers(answers(MX=Answer(values=frozenset({"10 _dc-mx.ab12.e.org"}))))),
            "required",
            "rewritten",
            "proxied",
        ),
        (
            seen(servers=servers(answers(A=Answer(values=frozenset({"104.16.0.9"}))))),
            "required",
            "proxied",
            "DNS only",
        ),
        (
            seen(servers=servers(answers(MX=Answer(values=frozenset(), alias="x.net")))),
            "required",
            "alias",
            "--replace-cname x.net",
        ),
        (
            seen(servers=servers(answers(MX=Answer("", silence="Timeout")))),
            "required",
            "nameserver-silent",
            "none of 2 does",
        ),
        (
            seen(
                servers=tuple(
                    ServerSeen(Server(name, ip), answers(**({"MX": SILENCE} if ":" in ip else {})))
                    for name in NAMES
                    for ip in ("1.0.0.1", "::2")
                )
            ),
            "advised",
            "ip-version",
            "over IPv6",
        ),
        (
            seen(
                servers=(
                    ServerSeen(Server(NAMES[0], "1.0.0.1"), answers()),
                    ServerSeen(Server(NAMES[1], "::2"), silent()),
                )
            ),
            "unknown",
            "ip-version",
            "over IPv6",
        ),
        (
            seen(expected=(MX, A, AAAA, SPF), servers=servers(answers(TXT=TWO))),
            "advised",
            "two-policies",
            'delete e.org. TXT "v=spf1 mx -all"',
        ),
        *(
            (
                seen(servers=servers(answers(A=Answer(status), AAAA=Answer(status)))),
                "required",
                "nameserver-silent",
                f"mx.e.org A and AAAA: is not answered by {NAMES[0]} (1.0.0.1), {NAMES[1]} (1.0.0.1)"
                f" (none of 2 does): {status}",
            )
            for status in ("SERVFAIL", "REFUSED", "NOTAUTH", "FORMERR", "NOTIMP")
        ),
        (
            seen(servers=servers(answers(A=NOT_AUTHORITATIVE, AAAA=NOT_AUTHORITATIVE))),
            "required",
            "nameserver-silent",
            "mx.e.org A and AAAA: is not answered by",
        ),
        (
            seen(servers=servers(answers(A=BELOW, AAAA=BELOW)), hosts=(host(SILENCE, SILENCE),)),
            "required",
            "shadowed",
            "delete the NS records of mx.e.org",
        ),
        (
            seen(servers=servers(answers(A=UPWARDS, AAAA=UPWARDS))),
            "required",
            "nameserver-silent",
            "sends the asker on to the nameservers of the root",
        ),
        (
            seen(servers=servers(answers(A=ALIAS, AAAA=replace(ALIAS, values=AAAA.values)))),
            "required",
            "alias",
            "--replace-cname x.net",
        ),
        (
            seen(servers=servers(answers(MX=Answer(values=MX.values, alias="x.net")))),
            "required",
            "alias",
            "a domain that takes mail may not be",
        ),
        (
            seen(servers=servers(answers(A=replace(ALIAS, status="SERVFAIL"), AAAA=AAAA_RIGHT))),
            "required",
            "alias",
            "is an alias of x.net",
        ),
        (
            seen(expected=(MX, A, AAAA, SPF), servers=servers(answers(TXT=SILENCE))),
            "required",
            "nameserver-silent",
            "e.org TXT: is not answered by",
        ),
        (
            seen(expected=(MX, A, AAAA, SPF), servers=servers(answers())),
            "required",
            "nameserver-silent",
            "no answer (not asked)",
        ),
    ],
)
def test_what_is_wrong_is_found_once_with_its_fix(wrong: Seen, group: str, code: str, said: str) -> None:
    (finding,) = judge(wrong)
    assert (finding.group, finding.code) == (group, code)
    assert said in str(finding)
