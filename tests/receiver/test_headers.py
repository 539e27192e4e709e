"""Header fields of hostile mail, read in one way for the log and for the reading commands."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver import encoded_words, headers, parameters
from receiver.reading import stored, summary
from receiver.reading.stored import Stored
from tests.receiver.corpus import reference
from tests.receiver.reading.test_hostile_mail import HOSTILE, cpythons
from tests.receiver.stored_mail import Mail


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"=?utf-8?Q?really??= x", "really? x"),
        (b"=?utf-8?B?QQ==?==?utf-8?B?Qg==?=", "AB"),
        (b"=?utf-8?Q?a b_c?=", "a b c"),
        (b"a=?utf-8?q?b_?=c", "ab c"),
        (b'"=?utf-8?Q?Z=C3=B6?=" <a@b.test>', '"Zö" <a@b.test>'),
        (b"=?iso-8859-1*de?Q?=FC?=", "ü"),
        (b"=?unknown-8bit?q?caf=E9?=", "café"),
        (b"=?klingon?q?x?=", "=?klingon?q?x?="),
        (b"=?utf-8?B?77u/aGVsbG8=?=", "hello"),
        (b"=?gb2312?B?086yyZjl?= x", "游采樺 x"),
        (b"=?iso-2022-jp?B?GyRCLSEbKEI=?=", "①"),
        (b"=?utf-8?Q??=x", "x"),
        (b"=?utf-8?Q?=41?", "=?utf-8?Q?=41?"),
    ],
)
def test_an_encoded_word_is_decoded(value: bytes, text: str) -> None:
    assert encoded_words.decode(value) == text


def test_raw_octets_are_in_the_charset_that_the_message_names() -> None:
    head = "Subject: 한글\r\nContent-Type: text/plain; charset=ks_c_5601-1987\r\n".encode("cp949")
    assert headers.first_text(head, "subject") == headers.parse_fields(head).text("subject") == "한글"
    japanese = b"Content-Type: text/plain; charset=iso-2022-jp\r\nSubject: \x1b$B4A\x1b(B\r\n"
    assert headers.first_text(japanese, "subject") == "漢"
    assert (
        headers.first_text("Subject: Grüße\r\nContent-Type: text/plain; charset=x\r\n".encode(), "subject")
        == "Grüße"
    )


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("text/plain (new); charset=utf-8 (x (y))", "text/plain", {"charset": "utf-8"}),
        ("TEXT / HTML; CHARSET=utf-8", "text/html", {"charset": "utf-8"}),
        ("text/html charset=utf-8 format=flowed", "text/html", {"charset": "utf-8", "format": "flowed"}),
        ('"text/plain"; charset="utf-8', "text/plain", {"charset": "utf-8"}),
        ("base64;", "base64", {}),
        ('"Base64" (really)', "base64", {}),
        ("attachment; filename=This is a test.txt", "attachment", {"filename": "This is a test.txt"}),
        ("attachment; filename=report (1).pdf; x=3", "attachment", {"filename": "report (1).pdf", "x": "3"}),
        ('attachment; filename="a;b (c).txt" (d)', "attachment", {"filename": "a;b (c).txt"}),
        ("filename=x.txt", "", {"filename": "x.txt"}),
        ("x; filename==?utf-8?Q?=C3=A4_b?=", "x", {"filename": "ä b"}),
        ("x; filename*=UTF-8''%C3%A4%20b; filename=y", "x", {"filename": "ä b"}),
        ("x; filename*=\"UTF-8''%C3%A4\"", "x", {"filename": "ä"}),
        ("x; filename*0*=UTF-8''%C3;filename*1*=%A4;filename*2=.txt", "x", {"filename": "ä.txt"}),
        ('x; filename*0="=?utf-8?B?w6Q="; filename*1="?= b"', "x", {"filename": "ä b"}),
        ("x; filename*=gb2312''%C4%E3", "x", {"filename": "你"}),
        ("multipart/mixed; boundary=b (the boundary)", "multipart/mixed", {"boundary": "b"}),
    ],
)  # fmt: skip
def test_a_structured_field_is_parsed(field: str, value: str, said: dict[str, str]) -> None:
    assert parameters.parse_field(field) == (value, said)


@given(st.binary(max_size=200))
def test_any_octets_are_read_as_fields_without_an_error(octets: bytes) -> None:
    fields = headers.parse_fields(b"Content-Type: " + octets)
    for name in ("content-type", "subject"):
        assert headers.first_text(octets, name) is None or fields.text(name) is not None
        fields.parameters(name)


def _as_listed(mail: Mail, octets: bytes) -> str:
    path = mail.store(octets)
    message = Stored(stored.maildirs(mail.folder)[0], path.name, str(path))
    return summary.read(message).subject


@pytest.mark.parametrize("name", [*HOSTILE, *reference.sample(), "cpython"])
def test_the_log_and_list_have_the_same_subject_for_a_mail(name: str, tmp_path) -> None:
    mail = Mail(tmp_path)
    several = [path.read_bytes() for path in cpythons()] if name == "cpython" else []
    for octets in several or [{**HOSTILE, **reference.sample()}.get(name, b"")]:
        wire = octets.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        # As the receiver keeps it for its log.
        head = wire[: headers.MAX_HEAD].partition(b"\r\n\r\n")[0]
        assert (headers.first_text(head, "subject") or "") == _as_listed(mail, wire)


def test_a_subject_behind_thousands_of_fields_is_found_by_both(tmp_path) -> None:
    octets = b"A: b\r\n" * 10_000 + b"Subject: late\r\n\r\nx\r\n"
    assert (
        headers.first_text(octets.partition(b"\r\n\r\n")[0], "subject")
        == _as_listed(Mail(tmp_path), octets)
        == "late"
    )
