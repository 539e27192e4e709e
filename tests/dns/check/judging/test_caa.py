"""What is said of the CAA that apply to a mail host: may its certificate be renewed, and by whom else."""

from __future__ import annotations

from typing import Any

import pytest

from dns.caa.properties import bound
from dns.check import judge_caa
from dns.check.findings import Finding, exit_code
from dns.inventory.host_keys import HostKeys
from dns.world.answers import Answer
from dns.world.nameservers import Server
from dns.world.seen import CaaSeen
from tests.dns.check.judging.values import SILENCE, host, seen

HOST = "mx.e.org"
ACCOUNT = "https://acme-v02.api.letsencrypt.org/acme/acct/1"
OURS = bound("letsencrypt.org", ACCOUNT)
PLAIN = '0 issue "letsencrypt.org"'
KEYS = HostKeys("current", account=ACCOUNT, identities=("letsencrypt.org",))
ANN, BOB = Server("ann", "1.0.0.1"), Server("bob", "1.0.0.2")


def told(*contents: str, at: str = HOST, server: Server = ANN) -> CaaSeen:
    return CaaSeen(server, at if contents else "", Answer(values=frozenset(contents)))


def judged(*caa: CaaSeen, **changes: Any) -> list[Finding]:
    given = {"authority": "letsencrypt", "binds": True, "keys": KEYS, "caa": caa} | changes
    return list(judge_caa.judge(seen(hosts=(host(**given),))))


def only(*caa: CaaSeen, **changes: Any) -> Finding:
    (finding,) = judged(*caa, **changes)
    assert (finding.name, finding.type) == (HOST, "CAA")
    return finding


def test_exactly_our_record_is_right() -> None:
    assert judged(told(OURS), told(OURS, server=BOB)) == []
    assert judged(told(OURS, '0 issuewild ";"', '0 iodef "mailto:x@e.org"')) == []


@pytest.mark.parametrize("binds", [True, False])
@pytest.mark.parametrize(
    ("contents", "at", "said"),
    [
        (('0 issue ";"',), HOST, "mx.e.org CAA: no authority may issue, so the certificate of mx.e.org"),
        (('0 issue "x.org"',), "e.org", "e.org CAA: only x.org may issue, so the certificate of mx.e.org"),
        (
            (bound("letsencrypt.org", "https://acme.test/old"),),
            HOST,
            "mx.e.org CAA: only the account https://acme.test/old may issue, and ours is https://acme-v02.",
        ),
        (
            ('0 issue "letsencrypt.org; validationmethods=http-01"',),
            HOST,
            "by http-01 only, and not by dns-01",
        ),
        (('128 tbs "x"', OURS), HOST, "the critical property tbs is known to no authority"),
    ],
)
def test_a_renewal_that_is_forbidden_is_required_to_be_mended(
    contents: tuple[str, ...], at: str, said: str, binds: bool
) -> None:
    finding = only(told(*contents, at=at), binds=binds)
    assert (finding.group, finding.code) == ("required", "caa-forbids")
    assert said in finding.problem
    assert ("python -m dns.sync e.org" in finding.fix) is binds
    assert ('add mx.e.org. CAA 0 issue "letsencrypt.org"' in finding.fix) is not binds


@pytest.mark.parametrize(
    "contents",
    [
        (OURS, PLAIN),
        (PLAIN,),
        (PLAIN, '0 issue "pki.goog; cansignhttpexchanges=yes"', '0 issuewild "letsencrypt.org"'),
    ],
    ids=["beside ours", "in place of ours", "with other authorities"],
)
def test_what_cloudflare_widens_is_advised_and_not_blamed_on_the_user(contents: tuple[str, ...]) -> None:
    finding = only(told(*contents))
    assert (finding.group, finding.code) == ("advised", "caa-widened")
    for words in (
        "any account of letsencrypt.org",
        "Universal SSL",
        "CVE-2026-14440",
        "it is no fault of yours",
        "watch Certificate Transparency",
    ):
        assert words in str(finding)
    assert ("pki.goog" in finding.problem) is (len(contents) == 3)
    assert exit_code([finding]) == 0
    assert judged(told(*contents), binds=False) == [], "nobody asked that others may not issue"


def test_a_server_that_answers_in_another_way_than_the_others_is_named() -> None:
    finding = only(told(OURS), told(PLAIN, server=BOB))
    assert finding.problem.startswith("mx.e.org CAA at bob (1.0.0.2): is answered with more than our record")


@pytest.mark.parametrize("caa", [told(), told(PLAIN, at="e.org")], ids=["none", "one above"])
def test_our_record_that_is_missing_is_advised(caa: CaaSeen) -> None:
    finding = only(caa)
    assert (finding.group, finding.code) == ("advised", "caa-missing")
    assert finding.problem.startswith(f"mx.e.org. CAA {OURS}: is missing, so other accounts")


def test_before_the_account_is_known_nothing_is_missing() -> None:
    assert judged(told(), keys=HostKeys("current")) == []


@pytest.mark.parametrize(
    "caa",
    [
        (),
        (CaaSeen(ANN, HOST, SILENCE),),
        (CaaSeen(ANN, "e.org", Answer("SERVFAIL")), CaaSeen(BOB, HOST, SILENCE)),
    ],
    ids=["not asked", "silent", "failed"],
)
def test_no_answer_is_unknown(caa: tuple[CaaSeen, ...]) -> None:
    finding = only(*caa)
    assert (finding.group, finding.code) == ("unknown", "caa")


def test_one_answer_is_enough_beside_one_that_did_not_come() -> None:
    assert judged(CaaSeen(ANN, HOST, SILENCE), told(OURS, server=BOB)) == []


@pytest.mark.parametrize(
    ("keys", "group"),
    [(HostKeys(unread="it is down"), "unknown"), (HostKeys("current"), "unknown"), (None, "advised")],
)
def test_an_account_of_which_it_is_not_known_whether_it_is_ours_is_neither_right_nor_wrong(
    keys: HostKeys | None, group: str
) -> None:
    finding = only(told(OURS), keys=keys)
    assert finding.group == group
    assert f"only the account {ACCOUNT} may issue, and ours is not known" in finding.problem


def test_a_host_with_a_self_signed_certificate_is_not_judged() -> None:
    assert judged(told('0 issue ";"'), authority="") == []


def test_an_authority_whose_names_are_not_known_is_unknown_only_if_there_are_records() -> None:
    unnamed: dict[str, Any] = {
        "authority": "https://ca.test/dir",
        "keys": HostKeys(account="https://ca.test/1"),
    }
    assert judged(told(), **unnamed) == []
    assert only(told(PLAIN), **unnamed).group == "unknown"
    assert only(told('0 issue ";"'), **unnamed).group == "required"
