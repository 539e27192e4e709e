"""An answer tells a value, or its absence, or nothing, and why."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dns.world import asking
from dns.world.answers import Answer
from dns.world.expected import Expected, mismatch
from tests.dns.loopback.nameserver import Fault, Nameserver
from tests.dns.loopback.world import SOA

pytestmark = pytest.mark.usefixtures("patient")

ZONE = f"""{SOA}@ 60 NS ns
ns 60 A 192.0.2.53
mx 300 A 192.0.2.1
one 60 CNAME two
two 30 CNAME mx
away 60 CNAME mx.other.test.
gone 60 CNAME nothing
text 60 CNAME policy
policy 60 TXT "v=spf1 -all"
loop 60 CNAME pool
pool 60 CNAME loop
below 60 NS ns.other.test.
{"".join(f'many 60 TXT "{n}{"x" * 200}"' + chr(10) for n in range(9))}"""


@pytest.fixture(scope="module")
def server() -> Iterator[Nameserver]:
    """A nameserver with the zone."""
    with Nameserver(None, {}, zones={"e.test": ZONE}) as running:
        yield running


def ask(server: Nameserver, name: str, kind: str = "A", fault: Fault | None = None, **more: float) -> Answer:
    """The server's answer, with this fault."""
    server.faults = {("*", "*"): fault} if fault else {}
    return asking.ask(server.address, name, kind, port=server.port, **more)  # type: ignore[arg-type]


def test_a_value_comes_with_its_ttl(server: Nameserver) -> None:
    assert ask(server, "mx.e.test") == Answer(values=frozenset({"192.0.2.1"}), ttl=300)


@pytest.mark.parametrize(("name", "status"), [("mx.e.test", "NOERROR"), ("no.e.test", "NXDOMAIN")])
def test_an_absence_comes_with_the_time_that_it_may_be_kept(
    server: Nameserver, name: str, status: str
) -> None:
    answer = ask(server, name, "AAAA")
    assert (answer.status, answer.exists, answer.failure(), answer.ttl) == (status, False, "", 30)


def test_a_chain_of_aliases_is_followed_and_the_first_one_kept(server: Nameserver) -> None:
    answer = ask(server, "one.e.test")
    assert (answer.values, answer.alias) == (frozenset({"192.0.2.1"}), "two.e.test")
    assert (answer.canonical, answer.ttl) == ("mx.e.test", 30)


@pytest.mark.parametrize(
    ("name", "alias"),
    [
        ("one.e.test", "two.e.test"),
        ("away.e.test", "mx.other.test"),
        ("gone.e.test", "nothing.e.test"),
        ("loop.e.test", "pool.e.test"),
    ],
)
def test_an_alias_is_wrong_wherever_it_leads(server: Nameserver, name: str, alias: str) -> None:
    answer = ask(server, name)
    asked = Expected(name, "A", frozenset({"192.0.2.1"}))
    assert mismatch(asked, answer) == f"{name} A: is an alias of {alias}"


def test_a_text_may_be_behind_an_alias(server: Nameserver) -> None:
    answer = ask(server, "text.e.test", "TXT")
    assert mismatch(Expected("text.e.test", "TXT", frozenset({"v=spf1 -all"})), answer) is None


def test_a_text_behind_an_alias_that_fails_is_unknown() -> None:
    answer = Answer("SERVFAIL", alias="policy.e.test")
    assert mismatch(Expected("text.e.test", "TXT", frozenset()), answer) == "text.e.test TXT: SERVFAIL"


def test_a_referral_tells_only_where_it_leads(server: Nameserver) -> None:
    answer = ask(server, "mx.below.e.test")
    assert (answer.exists, answer.referral) == (None, "below.e.test")
    assert answer.failure() == "sends the asker on to the nameservers of below.e.test"


@pytest.mark.parametrize(
    ("fault", "failure"),
    [
        ("SERVFAIL", "SERVFAIL"),
        ("REFUSED", "REFUSED"),
        ("NOTAUTH", "NOTAUTH"),
        ("FORMERR", "FORMERR"),
        ("NOTIMP", "NOTIMP"),
        ("lame", "not authoritative"),
        ("upwards", "sends the asker on to the nameservers of the root"),
        ("drop", "no answer (Timeout)"),
        ("wrong id", "no answer (Timeout)"),
        ("cut short", "no answer (cut short over UDP, and over TCP EOFError)"),
    ],
)
@pytest.mark.parametrize("name", ["mx.e.test", "no.e.test"])
def test_every_other_answer_is_unknown_with_the_reason(
    server: Nameserver, name: str, fault: Fault, failure: str
) -> None:
    answer = ask(server, name, fault=fault, seconds=0.3)
    assert answer.failure() == failure
    asked = Expected(name, "A", frozenset({"192.0.2.1"}))
    assert mismatch(asked, answer) == f"{name} A: {failure}"
    assert mismatch(Expected(name, "A", frozenset()), answer) == f"{name} A: {failure}"


def test_an_answer_too_long_for_udp_comes_over_tcp(server: Nameserver) -> None:
    assert len(ask(server, "many.e.test", "TXT").values) == 9


def test_a_resolvers_answer_need_not_be_authoritative(server: Nameserver) -> None:
    answer = ask(server, "mx.e.test", fault="lame")
    asked = Expected("mx.e.test", "A", frozenset({"192.0.2.1"}))
    assert mismatch(asked, answer, authoritative=False) is None
