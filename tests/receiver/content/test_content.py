"""The content that `show` reads of a mail, for each mail of the sample and for hostile mail."""

from __future__ import annotations

import json

import pytest

from receiver import headers
from receiver.content import content
from tests.receiver.corpus import compare, reference
from tests.receiver.corpus.remainders import WHY
from tests.receiver.stored_mail import Mail

SAMPLE = reference.sample()
RECORDED = json.loads(reference.RECORDED.read_text("utf-8"))
# Text, names of attachments, links.
RIGHT: dict[str, tuple[str, list[str], list[str]]] = {
    "alternative-in-alternative": ("one\n\ntwo", ["", "invite.ics"], []),
    "base64-padding-in-the-middle": ("Hello, world!", [], []),
    "blank-plain-beside-html": ("The real content\n", [], []),
    "bom-before-first-field": ("hello\n", [], []),
    "boundary-used-again-inside": ("inner text", ["a.bin"], []),
    "calendar-invisible": ("see invite", [""], []),
    "charset-gb2312": ("朱琎 镕基", [], []),
    "charset-iso-8859-1": ("It’s “x” – 5 €", [], []),  # noqa: RUF001
    "charset-ks_c_5601-1987": ("똠방각하", [], []),
    "charset-shift_jis": ("①㈱髙橋", [], []),
    "charset-utf-8": ("hello", [], []),
    "comments-in-fields": ("café", ["a.pdf"], []),
    "cte-semicolon": ("Hello", [], []),
    "delivery-report": (
        "It could not be delivered.\n\nReporting-MTA: dns; mx.b.test\n\n"
        "Final-Recipient: rfc822; x@c.test\nAction: failed\nStatus: 5.1.1",
        [""],
        [],
    ),
    "fillers": ("50% off\n\nToday\n", [], []),
    "flowed": ("This paragraph goes on over two lines.\n\n> And this quote too.\n-- \nSignature\n", [], []),
    "flowed-delsp": ("Japanese has no spaces.\n", [], []),
    "html-body-and-list-footer": ("The whole message\n\n____\nlist footer", [], []),
    "html-charref-4301-digits": ("\ufffd\n", [], []),
    "html-of-many-kinds": (
        "Heading\n\nIs 1 < 2 & 3 > 2?\n\nSee this[1] and that[2].\n- one\n- two\n1. first\n2. second\n\n"
        "> quoted\n> twice\n\n  kept\n    as it is\n\nleft  right\n[picture][3]\nwithout scripts\n\n"
        "[1] https://a.test/?x=1&y=2\n[2] https://a.test/\n[3] https://b.test/\n",
        [],
        ["https://a.test/?x=1&y=2", "https://a.test/", "https://b.test/"],
    ),
    "html-only-last-boundary-not-closed": ("The real content\n", [], []),
    "html-only-link": (
        "Confirm your address:\nConfirm[1]\n\n[1] https://example.org/confirm?token=abc\n",
        [],
        ["https://example.org/confirm?token=abc"],
    ),
    "html-table-cells": ("Item  Qty\nBlue mug  2  9.80 EUR\n50% off\n", [], []),
    "invalid-quoted-printable": ("=Õ =zz 3=4 end", [], []),
    "iso-2022-jp-with-nec-row": ("①㈱\n", [], []),
    "message-attached": ("see the file", ["first.eml"], []),
    "message-inside": (
        "see below\n\n-------- Message inside --------\nFrom: Zoë <zoe@c.test>\nSubject: the first\n\ngrüße",
        ["z.png"],
        [],
    ),
    "mixed-html-and-plain-only-html-in-part": ("first\n\nsecond\n\nthird\n", [], []),
    "multipart-without-boundary": ("readable text\n", [], []),
    "names-of-files": ("", ["ä b.bin", "ä c.bin", "report (1).pdf", "semi;colon.txt"], []),
    "pgp-encrypted": ("", ["", "encrypted.asc"], []),
    "qp-space-after-soft-break": ("ab\n", [], []),
    "raw-8bit-subject": ("Добрый день\n", [], []),
    "smime": ("", ["smime.p7m"], []),
    "text-image-text": ("first text\n\nsecond text", ["a.png"], []),
    "text-with-name-no-disposition": ("The following addresses had delivery problems", [], []),
    "unquoted-filename": ("", ["This is a test.txt"], []),
    "utf-8-labelled-gb2312": ("你好，世界\n", [], []),  # noqa: RUF001
    "uuencoded": ("A file:\nbegin 644 cat.txt\n#0V%T\n`\nend\n", ["cat.txt"], []),
}
SUBJECTS = {
    "bom-before-first-field": "behind a mark",
    "charset-gb2312": "朱琎 镕基",
    "charset-iso-8859-1": "It’s “x” – 5 €",  # noqa: RUF001
    "charset-ks_c_5601-1987": "똠방각하",
    "charset-shift_jis": "①㈱髙橋",
    "charset-utf-8": "hello",
    "iso-2022-jp-with-nec-row": "①㈱",
    "raw-8bit-subject": "Привет мир",
    "utf-8-labelled-gb2312": "你好，世界",  # noqa: RUF001
}


def test_every_mail_of_the_sample_has_a_right_value() -> None:
    assert {name.removesuffix(".eml") for name in SAMPLE} == set(RIGHT)


@pytest.mark.parametrize("name", RIGHT)
def test_a_mail_is_shown_right(name: str) -> None:
    holds = content.read(SAMPLE[f"{name}.eml"])
    assert (holds.text, [each.name for each in holds.attachments], list(holds.links)) == RIGHT[name]


@pytest.mark.parametrize("name", SUBJECTS)
def test_a_subject_is_shown_right(name: str) -> None:
    assert headers.first_text(SAMPLE[f"{name}.eml"], "subject") == SUBJECTS[name]


@pytest.mark.parametrize("name", SAMPLE)
def test_a_mail_of_the_sample_is_shown_as_other_readers_show_it_or_has_a_reason(name: str) -> None:
    found, _ = compare.differences(reference.readings(RECORDED[name]), compare.ours(SAMPLE[name]))
    assert not found or name in WHY, found


def test_a_message_inside_has_its_fields_and_its_own_text() -> None:
    (inside,) = content.read(SAMPLE["message-inside.eml"]).inside
    assert inside.fields == {"From": "Zoë <zoe@c.test>", "Subject": "the first"}
    assert (inside.content.text, inside.attached) == ("grüße", False)
    (attached,) = content.read(SAMPLE["message-attached.eml"]).inside
    assert (attached.content.text, attached.attached) == ("inner text", True)
    (returned,) = content.read(SAMPLE["delivery-report.eml"]).inside
    assert (returned.content.text, returned.attached) == ("what I wrote", True)


def test_an_encoded_message_inside_is_read_too() -> None:
    octets = b"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nU3ViamVjdDogeAoKaGVsbG8K\n"
    assert content.read(octets).text == "-------- Message inside --------\nSubject: x\n\nhello\n"


def test_messages_inside_messages_are_read_to_a_depth() -> None:
    octets = b"Content-Type: message/rfc822\n\n" * 1000 + b"\nhello\n"
    holds, depth = content.read(octets), 0
    while holds.inside:
        holds, depth = holds.inside[0].content, depth + 1
    assert depth == 5


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("multipart-without-boundary", "without a boundary"),
        ("pgp-encrypted", "encrypted with PGP"),
        ("smime", "S/MIME"),
    ],
)
def test_a_note_tells_what_was_read_leniently_or_not_at_all(name: str, said: str) -> None:
    assert any(said in note for note in content.read(SAMPLE[f"{name}.eml"]).notes)


@pytest.mark.parametrize(
    ("octets", "said"),
    [
        (b"Content-Type: text/plain; charset=klingon\n\nx\n", "charset klingon"),
        (b"Content-Transfer-Encoding: x-zip\n\nx\n", "transfer encoding xzip"),
        (b"Content-Type: text/html\n\n<img src=a><img src=b>\n", "2 picture(s)"),
        (b"\n" + b"x" * 3_000_000, "longer than 2 MiB"),
        (b"Content-Type: text/html\n\n" + b"<div>" * 30_000 + b"x", "nested too deeply"),
        (b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 9000, "too many parts"),
    ],
)
def test_a_note_tells_of_a_limit_or_an_unknown_name(octets: bytes, said: str) -> None:
    assert [note for note in content.read(octets).notes if said in note]


@pytest.mark.parametrize(
    "octets",
    [
        b"Content-Type: text/markdown\n\nonly this\n",
        b"Content-Type: text/calendar\n\nonly this\n",
        b"Content-Disposition: attachment\n\nonly this\n",
        b"Content-Type: multipart/alternative; boundary=b\n\n"
        b"--b\nContent-Type: text/enriched\n\nonly this\n--b--\n",
        b"Content-Type: multipart/mixed; boundary=b\n\n--b\n--b\n\nonly this\n--b--\n",
        b"Content-Type: multipart/mixed; boundary=wrong\n\n"
        b"--right\nContent-Type: text/plain\n\nonly this\n--right--\n",
        b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\n--b--\n--b\n\nonly this\n--b--\n",
        b"Content-Type: text/html\n\n<div style='display:none'>only this</div>\n",
        b"Content-Type: text/html\n\n<head><p>only this\n",
        b"Content-Type: multipart/mixed; boundary=b\n\n--b\nonly this\n--b--\n",
    ],
)
def test_the_only_text_of_a_mail_is_shown_wherever_it_stands(octets: bytes) -> None:
    assert content.read(octets).text.strip() == "only this"


def test_json_keeps_its_old_keys(tmp_path) -> None:
    mail = Mail(tmp_path)
    mail.store(SAMPLE["message-inside.eml"])
    (shown,) = mail.json("show")
    assert {"id", "subject", "text", "attachments", "links", "parts", "inside", "notes", "sent_to"} <= set(
        shown
    )
    assert shown["attachments"] == [{"name": "z.png", "type": "image/png", "encoded_size": 1}]
    assert [(each["type"], each["shown"]) for each in shown["parts"]] == [
        ("text/plain", True),
        ("message/rfc822", True),
    ]
    assert (shown["inside"][0]["from"], shown["inside"][0]["text"]) == ("Zoë <zoe@c.test>", "grüße")


def test_a_terminal_gets_links_notes_and_attached_messages(tmp_path) -> None:
    mail = Mail(tmp_path)
    mail.store(SAMPLE["html-only-link.eml"])
    assert "\n[1] https://example.org/confirm?token=abc\n" in mail.letterbox("show", "--text").stdout.decode()
    mail.store(SAMPLE["message-attached.eml"])
    said = mail.letterbox("show", "--text").stdout.decode()
    assert said.endswith(
        "see the file\n\n-------- Attached message --------\n"
        "From      zoe@c.test\nSubject   the first\n\ninner text\n"
    )
    mail.store(SAMPLE["smime.eml"])
    assert (
        "\nNote      application/pkcs7-mime: an S/MIME message"
        in mail.letterbox("show", "--text").stdout.decode()
    )
