"""Who may issue by the CAA records that apply to a name: RFC 8659 and RFC 8657 as a table."""

from __future__ import annotations

import pytest

from dns.caa.allowed import Account, judge, others
from dns.caa.properties import bound, names_account, parse, plain

URI = "https://acme.test/1"
OURS = Account(("ca.test", "old-name.test"), URI)


@pytest.mark.parametrize(
    ("contents", "allowed", "reason"),
    [
        ((), True, ""),
        (('0 issue "ca.test"',), True, ""),
        (('0 issue "CA.test"',), True, ""),
        (('0 issue " ca.test ; "',), True, ""),
        (('0 issue "old-name.test"',), True, ""),
        ((bound("ca.test", URI),), True, ""),
        (('0 issue ";"', '0 issue "ca.test"'), True, ""),
        (('0 issue "x.test"', bound("ca.test", URI)), True, ""),
        ((bound("ca.test", "https://acme.test/2"), bound("ca.test", URI)), True, ""),
        (('0 issue "ca.test; validationmethods=http-01,DNS-01"',), True, ""),
        (('0 issue "ca.test; unheard-of=x"',), True, ""),
        (('0 issuewild ";"',), True, ""),
        (('0 iodef "mailto:x@e.test"',), True, ""),
        (('0 unheard-of "x"',), True, ""),
        (('128 issuemail ";"', '128 issue "ca.test"'), True, ""),
        (('0 issue ";"',), False, "no authority may issue"),
        (('0 issue ""',), False, "no authority may issue"),
        (('0 issue "ca.test; malformed"',), False, "no authority may issue"),
        (('0 issue "ca_test"',), False, "no authority may issue"),
        (('0 issue "x.test"', '0 issue "y.test"'), False, "only x.test and y.test may issue"),
        (('0 issuewild "ca.test"', '0 issue "x.test"'), False, "only x.test may issue"),
        (('0 issue "sub.ca.test"',), False, "only sub.ca.test may issue"),
        (
            ('128 unheard-of "x"', '0 issue "ca.test"'),
            False,
            "the critical property unheard-of is known to no",
        ),
        (
            (bound("ca.test", "https://acme.test/2"),),
            False,
            f"only the account https://acme.test/2 may issue, and ours is {URI}",
        ),
        ((bound("ca.test", f"{URI}/"),), False, f"only the account {URI}/ may issue"),
        (
            ('0 issue "ca.test; validationmethods=tls-alpn-01"',),
            False,
            "ca.test may issue by tls-alpn-01 only, and not by dns-01",
        ),
        ((f'0 issue "ca.test; accounturi={URI}; accounturi={URI}"',), False, "has a parameter twice"),
    ],
)
def test_whether_our_account_may_issue(contents: tuple[str, ...], allowed: bool, reason: str) -> None:
    verdict = judge(contents, OURS)
    assert verdict.allowed is allowed, verdict
    assert reason in verdict.reason and bool(reason) is bool(verdict.reason)


@pytest.mark.parametrize(
    ("contents", "account", "allowed"),
    [
        ((), Account(), True),
        (('0 issue ";"',), Account(), False),
        (('0 issue "ca.test"',), Account(), None),
        (('0 issue "ca.test"',), Account(("ca.test",)), True),
        ((bound("ca.test", URI),), Account(("ca.test",)), None),
        ((bound("ca.test", URI), '0 issue "ca.test"'), Account(("ca.test",)), True),
        (('0 issue "x.test"',), Account(("ca.test",)), False),
        (('0 issue "ca.test; validationmethods=http-01"',), Account(("ca.test",)), False),
    ],
)
def test_what_is_not_known_of_the_account_is_neither_right_nor_wrong(
    contents: tuple[str, ...], account: Account, allowed: bool | None
) -> None:
    assert judge(contents, account).allowed is allowed


@pytest.mark.parametrize(
    ("contents", "said"),
    [
        ((), []),
        ((bound("ca.test", URI),), []),
        ((bound("ca.test", URI), '0 issue ";"', '0 issuewild "x.test"', '0 iodef "mailto:x@e.test"'), []),
        ((bound("ca.test", URI), '0 issue "ca.test"'), ["any account of ca.test"]),
        (
            ('0 issue "ca.test"', '0 issue "pki.test; cansignhttpexchanges=yes"', '0 issue "pki.test"'),
            ["any account of ca.test", "pki.test"],
        ),
        ((bound("ca.test", "https://acme.test/2"),), ["the account https://acme.test/2"]),
    ],
)
def test_who_else_may_issue(contents: tuple[str, ...], said: list[str]) -> None:
    assert list(others(contents, OURS)) == said


def test_ours_names_the_authority_the_method_and_the_account() -> None:
    content = bound("letsencrypt.org", "https://acme-v02.api.letsencrypt.org/acme/acct/1")
    assert content == (
        '0 issue "letsencrypt.org; validationmethods=dns-01; '
        'accounturi=https://acme-v02.api.letsencrypt.org/acme/acct/1"'
    )
    assert names_account(content) and not names_account(plain(content))
    assert plain(content) == '0 issue "letsencrypt.org"'


@pytest.mark.parametrize("content", ["", "0", "0 issue", '0 issue "', "x issue y", '0 "x"'])
def test_what_cannot_be_read_lets_nobody_issue(content: str) -> None:
    assert parse(content).issuer in ("", "y")
    assert judge([content, '0 issue ";"'], OURS).allowed is False
