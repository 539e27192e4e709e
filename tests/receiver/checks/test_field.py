"""The Authentication-Results field: its form, and that nobody reads in it what was not meant."""

from __future__ import annotations

import re

import pytest

from receiver.checks import field
from receiver.checks.results import DKIM, DMARC, SPF, Reverse

HOST = "mx1.example.com"
GMAIL = DKIM("pass", "", "gmail.com", "20251104", "@gmail.com", "rsa-sha256", "Ej9ZJSfXL19m", 2048)
GMAIL_SPF = SPF("pass", "gmail.com", "mailfrom", "someone@gmail.com")
GMAIL_DMARC = DMARC("pass", "", "gmail.com", "none", "gmail.com", "dkim", "gmail.com")
NONE = DMARC("none", "", "shop.example")


def text(
    *, dkim: list[DKIM], spf: SPF = GMAIL_SPF, dmarc: DMARC = NONE, reverse: Reverse | None = None
) -> str:
    return field.write(HOST, reverse, "192.0.2.1", spf, dkim, dmarc).decode("ascii")


def test_the_field_of_a_message_that_passes() -> None:
    reverse = Reverse("pass", "mail-ej1-f41.google.com")
    written = field.write(HOST, reverse, "209.85.218.41", GMAIL_SPF, [GMAIL], GMAIL_DMARC)
    assert written.decode() == (
        "Authentication-Results: mx1.example.com;\r\n"
        "\tdkim=pass (2048 bits) header.d=gmail.com header.i=@gmail.com\r\n"
        "\t\theader.s=20251104 header.a=rsa-sha256 header.b=Ej9ZJSfXL19m;\r\n"
        "\tspf=pass smtp.mailfrom=someone@gmail.com;\r\n"
        "\tdmarc=pass (p=none at gmail.com, aligned dkim) header.from=gmail.com;\r\n"
        "\tiprev=pass (mail-ej1-f41.google.com) policy.iprev=209.85.218.41\r\n"
    )


def test_the_field_of_a_message_without_signature_address_and_policy() -> None:
    spf = SPF("none", "mx.shop.example", "helo", "mx.shop.example", "no record")
    assert text(dkim=[], spf=spf) == (
        "Authentication-Results: mx1.example.com;\r\n"
        "\tdkim=none;\r\n"
        '\tspf=none reason="no record" smtp.helo=mx.shop.example;\r\n'
        "\tdmarc=none header.from=shop.example\r\n"
    )


def test_a_pass_whose_policy_is_not_known_names_its_method() -> None:
    found = text(dkim=[], dmarc=DMARC("pass", "", "a.example", "", "example", "spf", "a.example"))
    assert "\tdmarc=pass (aligned spf) header.from=a.example\r\n" in found


def test_a_temperror_tells_the_policy_and_the_reason() -> None:
    found = text(dkim=[], dmarc=DMARC("temperror", "no answer", "a.example", "reject", "example"))
    assert '\tdmarc=temperror (p=reject at example) reason="no answer"\r\n' in found


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("mail.example", "mail.example"),
        ("a+b=c@mail.example", "a+b=c@mail.example"),
        ("@mail.example", "@mail.example"),
        ("a b@mail.example", '"a b@mail.example"'),
        ('"a;b"@mail.example', '"\\"a;b\\"@mail.example"'),
        ("a@[192.0.2.1]", '"a@[192.0.2.1]"'),
        ("a..b@mail.example", '"a..b@mail.example"'),
        ("a@-mail.example", '"a@-mail.example"'),
        ("[2001:db8::1]", '"[2001:db8::1]"'),
        ("a\\b", '"a\\\\b"'),
        ("j\u00f6rg@mail.example", '"j?rg@mail.example"'),
        ("a\r\n\tb\0c\x7f", '"a???b?c?"'),
        ("a@mail.example; dmarc=pass", '"a@mail.example; dmarc=pass"'),
    ],
)
def test_a_value_is_a_token_an_address_or_a_quoted_string(value: str, written: str) -> None:
    found = text(dkim=[], spf=SPF("pass", "mail.example", "mailfrom", value))
    assert f"smtp.mailfrom={written};\r\n" in found


def test_a_comment_has_nothing_that_could_end_it() -> None:
    found = text(dkim=[], reverse=Reverse("pass", "a)b(c\\d\r\ne"))
    assert "\tiprev=pass (a?b?c?d??e) policy.iprev=192.0.2.1\r\n" in found


def test_a_value_that_is_too_long_keeps_its_end() -> None:
    name = "www.bank.example." + "a" * 400 + ".evil.example"
    found = text(dkim=[DKIM("fail", domain=name)])
    value = re.search(r'header\.d="(.*)"', found)
    assert value
    assert value[1].startswith("...")
    assert value[1].endswith(".evil.example")
    assert len(value[1]) == 330


def test_signatures_that_do_not_pass_are_left_out_first() -> None:
    long = "x" * 230
    signatures = [
        DKIM("pass" if number in (1, 6) else "fail", domain=f"d{number}.{long}.example", selector=long)
        for number in range(8)
    ]
    found = text(dkim=signatures)
    results = re.findall(r"dkim=(\w+)\r\n\t\theader\.d=d(\d)", found)
    assert results == [("fail", "0"), ("pass", "1"), ("pass", "6")]
    assert found.count("(5 more signatures)") == 1


def test_the_authors_domain_is_whole_if_all_else_is_cut() -> None:
    author, long = "a." * 122 + "example", "x" * 400
    signatures = [DKIM("fail", long, long, long, long, long, long)]
    dmarc = DMARC("fail", long, author, "quarantine", author)
    found = text(dkim=signatures, spf=SPF("fail", long, "mailfrom", long, long), dmarc=dmarc)
    assert f"header.from={author}\r\n" in found
    assert f"(p=quarantine at\r\n\t\t{author})" in found


def test_a_line_has_78_octets_with_its_semicolon() -> None:
    for length in range(30, 48):
        sender = "a" * length + "@mail.example"
        lines = text(dkim=[], spf=SPF("pass", "mail.example", "mailfrom", sender)).splitlines()
        assert max(map(len, lines)) <= 78
        fits = len(f"\tspf=pass smtp.mailfrom={sender};") <= 78
        assert (f"\tspf=pass smtp.mailfrom={sender};" in lines) == fits


def test_a_room_that_is_too_small_is_an_error() -> None:
    with pytest.raises(ValueError, match="does not fit into 100 octets"):
        field.write(HOST, None, "", GMAIL_SPF, [], GMAIL_DMARC, room=100)
