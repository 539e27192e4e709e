"""What is concluded when some hellos get no answer: it is unknown, unless what came is enough. Pure."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dns.check.internet_nl.answer import Answer
from dns.check.internet_nl.dialogue import NoAnswer
from dns.check.internet_nl.hello import (
    CURVES,
    EXTENDED_MASTER_SECRET,
    RENEGOTIATION_INFO,
    SHA1_HASHES,
    Hello,
    Version,
)
from dns.check.internet_nl.judge_tls import Probed
from dns.check.internet_nl.points import Outcome
from dns.check.internet_nl.scan import scan
from dns.world.greeting import Greeting
from tests.dns.check.internet_nl.servers import judged
from tests.dns.check.judging.values import V4, place

GCM, CBC = 0xC02F, 0xC027  # good enough, and to be phased out
BOTH = frozenset({EXTENDED_MASTER_SECRET, RENEGOTIATION_INFO})


def server(*suites: int, silent: Callable[[Hello], bool]) -> Callable[[Hello], Answer]:
    """A server with TLS 1.2 and these suites that does not answer some hellos."""

    def ask(hello: Hello) -> Answer:
        if silent(hello):
            raise NoAnswer("no answer in time")
        suite = next((suite for suite in suites if suite in hello.ciphers), None)
        if hello.version is not Version.TLS_1_2 or suite is None or 23 not in hello.groups:
            return Answer()
        return Answer(Version.TLS_1_2, suite, extensions=BOTH, group=23, signature=0x0401)

    return ask


def outcomes(*suites: int, silent: Callable[[Hello], bool]) -> dict[str, Outcome]:
    probed = Probed(place(V4, Greeting(code=220, text="mx.e.org ESMTP")), renegotiations=0)
    probed.offered = scan(server(*suites, silent=silent), "mx.e.org")
    return {code: each.outcome for code, each in judged(probed).items()}


def unknown(found: dict[str, Outcome]) -> set[str]:
    return {code for code, outcome in found.items() if outcome is Outcome.UNKNOWN}


def test_with_all_answers_everything_is_known() -> None:
    assert set(outcomes(GCM, silent=lambda hello: False).values()) == {Outcome.HOLDS}


def test_a_version_that_gets_no_answer_leaves_what_it_may_offer_unknown() -> None:
    found = outcomes(GCM, silent=lambda hello: hello.version is Version.TLS_1_0)
    assert {"tls_version", "tls_ciphers", "tls_compress"} <= unknown(found)
    assert found["tls_available"] is Outcome.HOLDS


def test_what_is_bad_is_known_whatever_else_got_no_answer() -> None:
    found = outcomes(GCM, CBC, 0x002F, silent=lambda hello: hello.version is Version.TLS_1_0)
    assert found["tls_ciphers"] is Outcome.FAILS
    assert found["tls_version"] is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("silent", "point"),
    [
        (lambda hello: hello.signatures == SHA1_HASHES, "tls_keyexchangehash"),
        (lambda hello: len(hello.groups) == len(CURVES) - 1, "tls_keyexchange"),
        (lambda hello: list(hello.ciphers) == [CBC, GCM], "tls_cipherorder"),
    ],
)
def test_one_hello_without_an_answer_leaves_its_own_point_unknown(
    silent: Callable[[Hello], bool], point: str
) -> None:
    assert unknown(outcomes(GCM, CBC, silent=silent)) == {point}


def test_a_server_that_answers_no_hello_is_unknown_and_not_wrong() -> None:
    found = outcomes(GCM, silent=lambda hello: True)
    assert unknown(found) == set(found) - {"tls_available"}
