"""The judge of MTA-STS: what senders are told, what they get, and what they then meet. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from dns.check.findings import Finding
from dns.check.judge_mta_sts import judge
from dns.errors import SyncError
from dns.inventory.host_keys import HostKeys
from dns.mta_sts.policy import Policy, Served, record
from dns.world.answers import Answer
from dns.world.greeting import Greeting
from dns.world.nameservers import Server
from dns.world.seen import PolicySeen, Seen
from tests.dns.check.judging.values import NAMES, SILENCE, V4, V6, answers, host, place, seen, servers

NOW = datetime(2026, 11, 26, tzinfo=UTC)
ENFORCE, TESTING = (
    Policy(mode, ("mx.e.org",), age) for mode, age in (("enforce", 604800), ("testing", 86400))
)
NONE = Policy("none", (), 86400)
HELLO = Greeting(code=220, text="mx.e.org ESMTP", chain=("certificate",))
REPORTS = Answer(values=frozenset({"v=TLSRPTv1; rua=mailto:tls@e.org"}))
FOREIGN = Policy("enforce", ("other.net",), 3600)


def told(*texts: Answer | str) -> tuple[tuple[Server, Answer], ...]:
    """What each nameserver answers for the TXT: a text, or an answer as it is."""
    said = [Answer(values=frozenset({text})) if isinstance(text, str) else text for text in texts]
    return tuple((Server(name, "1.0.0.1"), answer) for name, answer in zip(NAMES, said, strict=True))


def both(text: Answer | str) -> tuple[tuple[Server, Answer], ...]:
    return told(text, text)


def looked(policy: Policy = ENFORCE, wanted: str = "", **changes: Any) -> Seen:
    """The domain with this policy, served and told of as it should be, with changes to what was seen."""
    right = PolicySeen(wanted, both(record(policy.id)), Served(policy, policy.text), REPORTS)
    return seen(policy=replace(right, **changes), addresses=(place(V4, HELLO), place(V6, HELLO)))


def trusted(hostname: str, chain: Sequence[str], now: datetime) -> str:
    """What is wrong with a certificate: nothing."""
    return ""


def old(hostname: str, chain: Sequence[str], now: datetime) -> str:
    return "its certificate ran out on 2026-11-20"


def found(what: Seen, problem: Any = trusted) -> list[Finding]:
    return list(judge(what, problem, NOW))


def codes(what: Seen, problem: Any = trusted) -> list[tuple[str, str]]:
    return [(finding.group, finding.code) for finding in found(what, problem)]


@pytest.mark.parametrize(("policy", "wanted"), [(ENFORCE, "enforce"), (TESTING, "testing"), (NONE, "none")])
def test_nothing_is_found_if_all_is_as_the_inventory_says(policy: Policy, wanted: str) -> None:
    assert found(looked(policy, wanted)) == []
    assert found(looked(policy)) == []  # nor if somebody else publishes the same


def test_a_domain_without_any_policy_is_not_judged() -> None:
    assert found(seen()) == []


EMPTY = Answer()
TWO = Answer(values=frozenset({record("a1"), record("b2")}))


@pytest.mark.parametrize(
    ("texts", "code"),
    [
        (both(EMPTY), "mta-sts-missing"),
        (both(TWO), "mta-sts-two"),
        (both("v=STSv1; id="), "mta-sts"),
        (told(record(ENFORCE.id), EMPTY), "mta-sts-differs"),
        (told(record(ENFORCE.id), record("0")), "mta-sts-differs"),
        (both(record("0")), "mta-sts-id"),
    ],
)
def test_a_wrong_txt_record_is_required_to_be_right_if_the_inventory_asks_for_it(
    texts: Any, code: str
) -> None:
    finding = found(looked(wanted="enforce", told=texts))[0]
    assert (finding.group, finding.code, finding.name) == ("required", code, "_mta-sts.e.org")
    assert "python -m dns.sync e.org" in finding.fix or code in ("mta-sts-two", "mta-sts-differs")


def test_the_same_record_of_somebody_else_is_advised_at_most_and_any_id_is_right() -> None:
    assert codes(looked(told=both(TWO))) == [("advised", "mta-sts-two")]
    assert codes(looked(told=both(record("20261126")))) == []


def test_txt_records_of_others_at_the_name_do_not_count() -> None:
    more = Answer(values=frozenset({record(ENFORCE.id), "google-site-verification=1"}))
    assert found(looked(wanted="enforce", told=both(more))) == []


@pytest.mark.parametrize("silence", [SILENCE, Answer("SERVFAIL"), Answer(authoritative=False)])
def test_no_answer_is_unknown_and_never_absent(silence: Answer) -> None:
    assert ("unknown", "mta-sts") in codes(looked(wanted="enforce", told=both(silence)))
    assert codes(looked(wanted="enforce", told=told(silence, record(ENFORCE.id)))) == []


@pytest.mark.parametrize("wanted", ["", "testing", "enforce"])
def test_a_policy_that_cannot_be_fetched_is_unknown(wanted: str) -> None:
    (finding,) = found(looked(wanted=wanted, served=Served(failure="https://mta-sts.e.org answers 503")))
    assert (finding.group, finding.code) == ("unknown", "mta-sts-policy")
    assert "503" in finding.problem


def test_a_policy_host_without_an_address_is_certain() -> None:
    absent = Served(absent=True)
    assert codes(looked(wanted="enforce", served=absent)) == [("required", "mta-sts-policy")]
    assert codes(looked(served=absent)) == [("advised", "mta-sts-policy")]
    assert codes(looked(wanted="none", served=absent, told=both(EMPTY))) == []


def test_another_mode_than_that_of_the_inventory_is_advised() -> None:
    assert codes(looked(TESTING, "enforce")) == [("advised", "mta-sts-mode")]
    assert codes(looked(ENFORCE, "none")) == [("advised", "mta-sts-mode")]


def test_a_policy_that_senders_hardly_keep_is_advised_against() -> None:
    short = Policy("enforce", ("mx.e.org",), 3600)
    assert codes(looked(short)) == [("advised", "mta-sts-age")]


@pytest.mark.parametrize(("mode", "group"), [("enforce", "required"), ("testing", "advised")])
class TestWhatSendersMeet:
    def test_an_mx_that_the_policy_does_not_list(self, mode: str, group: str) -> None:
        mx = Answer(values=frozenset({"10 mx.e.org", "20 mx2.e.net"}))
        what = replace(looked(Policy(mode, ("mx.e.org",), 604800)), servers=servers(answers(MX=mx)))
        (finding,) = found(what)
        assert (finding.group, finding.code) == (group, "mta-sts-mx")
        assert "mx2.e.net" in finding.problem
        wildcard = Policy(mode, ("mx.e.org", "*.e.net"), 604800)
        assert found(replace(looked(wildcard), servers=servers(answers(MX=mx)))) == []

    def test_a_certificate_that_they_do_not_trust(self, mode: str, group: str) -> None:
        (finding,) = found(looked(Policy(mode, ("mx.e.org",), 604800)), old)
        assert (finding.group, finding.code) == (group, "mta-sts-certificate")
        assert "ran out on 2026-11-20" in finding.problem and V4 in finding.problem


def test_a_certificate_that_was_not_seen_is_unknown_unless_the_host_told_of_it() -> None:
    unseen = replace(looked(), addresses=(place(V4, Greeting("timeout")), place(V6, None)))
    assert codes(unseen, old) == [("unknown", "mta-sts-certificate")]
    with_keys = replace(unseen, hosts=(host(keys=HostKeys(chain=("certificate",))),))
    assert codes(with_keys, old) == [("required", "mta-sts-certificate")]
    assert codes(with_keys) == []


def test_what_answers_by_another_name_is_not_the_host() -> None:
    relay = Greeting(code=220, text="relay.isp.org ESMTP", chain=("certificate",))
    what = replace(looked(), addresses=(place(V4, relay),))
    assert codes(what, old) == [("unknown", "mta-sts-certificate")]


def test_a_machine_that_trusts_nobody_cannot_tell() -> None:
    def lost(hostname: str, chain: Sequence[str], now: datetime) -> str:
        raise SyncError("this machine trusts no authority")

    assert codes(looked(), lost) == [("unknown", "mta-sts-certificate")]


def test_nothing_is_expected_of_hosts_once_the_policy_says_none() -> None:
    assert found(looked(NONE, "none"), old) == []


def test_a_policy_without_reports_is_advised_to_have_some() -> None:
    assert codes(looked(reports=EMPTY)) == [("advised", "mta-sts-reports")]
    assert codes(looked(reports=SILENCE)) == []


def test_a_strange_policy_is_judged_although_the_inventory_says_nothing() -> None:
    assert codes(looked(FOREIGN)) == [("advised", "mta-sts-age"), ("required", "mta-sts-mx")]
