"""Messages that others signed years ago, with known results. They are in the source distribution of dkimpy.

`rfc6376.signed` is the message of RFC 6376 appendix A.2, signed anew with RSA and with the key of RFC 8463.
`test2` is a message of Gmail, whose signature is folded at each place where it may be.
"""

from __future__ import annotations

import pytest

from tests.conftest import unavailable
from tests.receiver.checks.dkim.messages import results
from tests.receiver.checks.source_distribution import NotFetched, SourceDistribution

_DKIMPY = SourceDistribution(
    "dkimpy", "1.1.8", "b5f60fb47bbf5d8d762f134bcea0c388eba6b498342a682a21f1686545094b77"
)
ED25519 = b"v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
GMAIL = (
    b"k=rsa; p=MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA1Kd87/UeJjenpabgbFwh"
    b"+eBCsSTrqmwIYYvywlbhbqoo2DymndFkbjOVIPIldNs/m40KF+yzMn1skyoxcTUGCQ"
    b"s8g3FgD2Ap3ZB5DekAo5wMmk4wimDO+U8QzI3SD07y2+07wlNWwIt8svnxgdxGkVbb"
    b"hzY8i+RQ9DpSVpPbF7ykQxtKXkv/ahW3KjViiAH+ghvvIhkx4xYSIc9oSwVmAl5Oct"
    b"MEeWUwg8Istjqz8BZeTWbf41fbNhte7Y+YqZOwq1Sd0DbvYAD9NOZK9vlfuac0598H"
    b"Y+vtSBczUiKERHv1yRbcaQtZFh5wtiRrN04BLUTD21MycBX5jYchHjPY/wIDAQAB"
)
RSA = {"test._domainkey.football.example.com": "test.txt"}
CASES: list[tuple[str, dict[str, str], list[str]]] = [
    ("rfc6376.signed.msg", RSA, ["pass", "pass"]),
    ("rfc6376.signed.rsa.msg", RSA, ["pass"]),
    ("rfc6376.signed.no_t.msg", RSA, ["fail"]),
    ("rfc6376.signed.rsa.msg", {"test._domainkey.football.example.com": "test2.txt"}, ["pass"]),
    ("rfc6376.signed.rsa.msg", {"test._domainkey.football.example.com": "badversion.txt"}, ["permerror"]),
    ("rfc6376.signed.rsa.msg", {"test._domainkey.football.example.com": "badk.txt"}, ["permerror"]),
    ("rfc6376.signed.rsa.msg", {}, ["permerror"]),
    ("test2.message", {}, ["pass"]),
    ("test.message.baddomain", {}, ["permerror"]),
    ("rfc6376.msg", {}, []),
]


def data(name: str) -> bytes:
    try:
        return _DKIMPY.read(f"dkim/tests/data/{name}")
    except NotFetched as error:
        unavailable(str(error))


@pytest.mark.parametrize(("message", "keys", "expected"), CASES)
@pytest.mark.parametrize("piece", [1, 65536])
def test_the_result_is_the_known_one(
    message: str, keys: dict[str, str], expected: list[str], piece: int
) -> None:
    octets = data(message).replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    records = {name: [data(file).strip()] for name, file in keys.items()}
    records["brisbane._domainkey.football.example.com"] = [ED25519]
    records["20120113._domainkey.gmail.com"] = [GMAIL]
    assert [each.result for each in results(octets, records, piece)] == expected


def test_one_changed_octet_anywhere_breaks_a_known_signature() -> None:
    octets = data("rfc6376.signed.rsa.msg").replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    key = data("test.txt").strip()
    for at in range(octets.index(b"From:"), len(octets) - 2):
        if octets[at : at + 1].isalnum():
            changed = octets[:at] + bytes([octets[at] ^ 1]) + octets[at + 1 :]
            (found,) = results(changed, {"test._domainkey.football.example.com": [key]})
            assert found.result != "pass", changed
