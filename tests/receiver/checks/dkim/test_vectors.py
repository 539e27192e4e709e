"""The examples of the RFCs verify."""

from __future__ import annotations

import pytest

from receiver.checks.results import DKIM
from tests.receiver.checks.dkim.messages import results

# RFC 8463 section A.3, and its keys of section A.2.
RFC_8463 = rb"""DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=brisbane; t=1528637909; h=from : to :
 subject : date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus
 Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==
DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=test; t=1528637909; h=from : to : subject :
 date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3
 DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz
 dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=
From: Joe SixPack <joe@football.example.com>
To: Suzie Q <suzie@shopping.example.net>
Subject: Is dinner ready?
Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)
Message-ID: <20030712040037.46341.5F8J@football.example.com>

Hi.

We lost the game.  Are you hungry yet?

Joe.

""".replace(b"\n", b"\r\n")
KEYS = {
    "brisbane._domainkey.football.example.com": (
        b"v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
    ),
    "test._domainkey.football.example.com": (
        b"v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bd"
        b"OKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyV"
        b"YLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB",
    ),
}


@pytest.mark.parametrize("piece", [1, 7, 65536])
def test_both_signatures_of_rfc_8463_pass(piece: int) -> None:
    assert results(RFC_8463, KEYS, piece) == [
        DKIM(
            "pass",
            domain="football.example.com",
            selector=selector,
            identity="@football.example.com",
            algorithm=algorithm,
            signature=signature,
            bits=bits,
        )
        for selector, algorithm, signature, bits in (
            ("brisbane", "ed25519-sha256", "/gCrinpcQOoI", 256),
            ("test", "rsa-sha256", "F45dVWDfMbQD", 1024),
        )
    ]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (b"game.  Are", b"game. Are", "pass"),  # relaxed: one space is as many
        (b"Is dinner", b"Is  dinner", "pass"),
        (b"\r\n\r\nJoe.\r\n\r\n", b"\r\n\r\nJoe.", "pass"),
        (b"We lost", b"We won", "fail"),
        (b"Is dinner ready", b"Is supper ready", "fail"),
        (b"From: Joe", b"From: Bob", "fail"),
        (b"\r\n\r\nHi.", b"\r\nDate: Sat, 12 Jul 2003 21:00:37 -0700\r\n\r\nHi.", "fail"),  # over-signed
        (b"\r\n\r\nHi.", b"\r\nX-Added: later\r\n\r\nHi.", "pass"),
    ],
)
def test_a_change_of_the_example_matters_only_if_it_was_signed(old: bytes, new: bytes, expected: str) -> None:
    assert old in RFC_8463
    assert [each.result for each in results(RFC_8463.replace(old, new), KEYS)] == [expected] * 2
