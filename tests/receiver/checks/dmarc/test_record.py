"""The parser of DMARC records (RFC 9989 sections 4.7 and 4.8)."""

from __future__ import annotations

import pytest

from receiver.checks.dmarc.record import Record, parse


@pytest.mark.parametrize(
    "text",
    [
        "",
        "v=spf1 -all",
        "v=dmarc1; p=reject",
        "v=DMARC1x; p=reject",
        "v=DMARC2; p=reject",
        "v=DMARC1 p=reject",
        "v=DMARC1\n; p=reject",
        "p=reject; v=DMARC1",
        " v=DMARC1; p=reject",
        '"v=DMARC1; p=reject"',
        "v==DMARC1; p=reject",
        "\ufeffv=DMARC1; p=reject",
    ],
)
def test_no_record_of_this_version(text: str) -> None:
    assert parse(text.encode()) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("v=DMARC1; p=reject", Record("reject")),
        ("v=DMARC1;p=reject;", Record("reject")),
        ("V\t=  DMARC1 ;  P = Reject ;", Record("reject")),
        ("v=DMARC1; p=reject; ; x=y; =z; nonsense", Record("reject")),
        ("v=DMARC1; p=none; sp=quarantine; np=reject", Record("none", "quarantine", "reject")),
        ("v=DMARC1; p=none; psd=Y; adkim=S; aspf=s; t=y", Record("none", "", "", "y", True, True, True)),
        ("v=DMARC1; p=none; psd=x; adkim=x; aspf=; t=yes", Record("none")),
        ("v=DMARC1; p=none; p=reject", Record("none")),
        ("v=DMARC1; rua=mailto:a@b.example", Record("none")),
        ("v=DMARC1; p=block; adkim=s; rua=mailto:a@b.example!10m", Record("none", is_dkim_strict=True)),
        ("v=DMARC1; p=reject; sp=bounce; rua=x, https://b.example/r", Record("none")),
        ("v=DMARC1; p=reject; np=; rua=mailto:a@b.example", Record("none")),
        ("v=DMARC1; p=reject; sp=nope", Record("")),
        ("v=DMARC1; rua=a@b.example", Record("")),
        ("v=DMARC1; rua=mailto:", Record("")),
        ("v=DMARC1", Record("")),
        ("v=DMARC1; p=reject\u00e4", Record("")),
    ],
)
def test_record(text: str, expected: Record) -> None:
    assert parse(text.encode()) == expected
