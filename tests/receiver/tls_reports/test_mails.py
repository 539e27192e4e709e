"""In which mails a report is found, and what is said of those in which none can be read."""

from __future__ import annotations

import gzip
import json
import time
import zlib

import pytest

from receiver.tls_reports import attachment
from receiver.tls_reports.values import NotReadable
from tests.receiver.tls_reports.making import encoded, mail, packed, report

JSON = json.dumps(report()).encode()
PACKED = packed(JSON)
NAME = "sender.test!example.test!1795132800!1795219199.json"


def found(message: bytes) -> list[bytes]:
    """The reports that can be read. Fails if there is another."""
    read = list(attachment.reports(message))
    assert all(isinstance(each, bytes) for each in read), read
    return [each for each in read if isinstance(each, bytes)]


def reason(message: bytes) -> str:
    (error,) = attachment.reports(message)
    assert isinstance(error, NotReadable), error
    return str(error)


@pytest.mark.parametrize(
    ("kind", "name", "content"),
    [
        ("application/tlsrpt+gzip", f"{NAME}.gz", PACKED),
        ("application/tlsrpt+gzip", "", PACKED),
        ("application/tlsrpt+json", NAME, JSON),
        ("application/tlsrpt+gzip", "", JSON),  # not packed, whatever it is called
        ("application/tlsrpt+json", "", PACKED),
        ("application/gzip", f"{NAME}.gz", PACKED),
        ("application/x-gzip", f"{NAME}.GZ", PACKED),
        ("application/octet-stream", f"{NAME}.gz", PACKED),
        ("application/octet-stream", NAME, JSON),
        ("application/gzip", "", PACKED),
        ("application/json", "report.json", JSON),
        ("text/plain; charset=utf-8", NAME, JSON),
    ],
)
def test_a_report_is_found_by_its_media_type_or_by_its_name(kind: str, name: str, content: bytes) -> None:
    assert found(mail(content, kind=kind, name=name)) == [JSON]


@pytest.mark.parametrize(
    ("encoding", "content"),
    [
        ("8bit", JSON),
        ("7bit", JSON),
        ("binary", PACKED),
        ("base64", PACKED),
        ("BASE64 ", PACKED),
        ("quoted-printable", JSON.replace(b"=", b"=3D")),
    ],
)
def test_a_report_is_read_in_each_transfer_encoding(encoding: str, content: bytes) -> None:
    sent = encoded(content) if encoding.strip().lower() == "base64" else content
    message = mail(b"HERE", name=f"{NAME}.gz", encoding="8bit").replace(b"HERE", sent)
    message = message.replace(
        b"Content-Transfer-Encoding: 8bit", b"Content-Transfer-Encoding: " + encoding.encode()
    )
    (read,) = found(message)
    assert json.loads(read) == json.loads(JSON)


def test_a_mail_that_is_nothing_but_a_report_is_read() -> None:
    head = b"Content-Type: application/tlsrpt+gzip\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    assert found(head + encoded(PACKED)) == [JSON]


def test_a_report_deep_in_multiparts_is_found() -> None:
    opening = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(10)
    )
    assert found(opening + b"Content-Type: application/tlsrpt+json\r\n\r\n" + JSON) == [JSON]


def test_several_reports_in_one_mail_are_all_read() -> None:
    part = b"--b\r\nContent-Type: application/tlsrpt+json\r\n\r\n"
    head = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    other = json.dumps(report("2")).encode()
    assert found(head + part + JSON + b"\r\n" + part + other + b"\r\n--b--\r\n") == [JSON, other]


def test_a_damaged_report_beside_a_good_one_does_not_hide_it() -> None:
    part = b"--b\r\nContent-Type: application/tlsrpt+gzip\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    head = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    content = part + encoded(PACKED[:-20]) + part + encoded(PACKED) + b"--b--\r\n"
    damaged, good = attachment.reports(head + content)
    assert str(damaged) == "its gzip file is cut short"
    assert good == JSON


def test_a_gzip_file_of_several_members_is_read_whole() -> None:
    assert found(mail(gzip.compress(JSON[:100]) + gzip.compress(JSON[100:]))) == [JSON]


def test_octets_after_the_end_of_a_gzip_file_do_not_matter() -> None:
    assert found(mail(PACKED + b"\0" * 100)) == [JSON]


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (mail(PACKED[:-30]), "its gzip file is cut short"),
        (mail(PACKED[:12]), "its gzip file is cut short"),
        (mail(PACKED[:20] + b"\xff" * 30 + PACKED[50:]), "its gzip file is damaged"),
        (mail(PACKED[:-8] + b"\0" * 8), "its gzip file is damaged"),
        (mail(gzip.compress(b" " * ((4 << 20) + 1))), "it is larger than 4 MiB"),
        (mail(b" " * ((4 << 20) + 1)), "it is larger than 4 MiB"),
        (mail(b"x" * (7 << 20), encoding="8bit"), "it is larger than 4 MiB"),
        (mail(PACKED, kind="image/png", name="x.png"), "it holds no file with a report"),
        (b"Subject: Report Domain: example.test\r\n\r\nhello\r\n", "it holds no file with a report"),
        (b"TLS-Report-Domain: example.test\r\n\r\n", "it holds no file with a report"),
        (
            b"Content-Type: multipart/encrypted; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n",
            "it is encrypted",
        ),
        (b"Content-Type: application/pkcs7-mime; name=smime.p7m\r\n\r\nx\r\n", "it is encrypted"),
    ],
)
def test_why_a_report_cannot_be_read_is_said(message: bytes, said: str) -> None:
    assert reason(message) == said


def test_a_report_of_exactly_the_largest_size_is_read() -> None:
    content = JSON + b" " * ((4 << 20) - len(JSON))
    assert found(mail(gzip.compress(content))) == [content]


def test_the_reports_of_one_mail_share_the_limit() -> None:
    part = b"--b\r\nContent-Type: application/tlsrpt+gzip\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    large = part + encoded(gzip.compress(b" " * (3 << 20)))
    first, second = attachment.reports(b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + large * 2)
    assert isinstance(first, bytes)
    assert str(second) == "it is larger than 4 MiB"


def test_a_gzip_bomb_is_not_unpacked() -> None:
    """256 MiB in 1 MiB. A bomb in a gzip file is unpacked once."""
    machine = zlib.compressobj(1, wbits=31)
    piece = bytes(1 << 20)
    bomb = b"".join([*(machine.compress(piece) for _ in range(256)), machine.flush()])
    began = time.process_time()
    assert reason(mail(bomb)) == "it is larger than 4 MiB"
    assert time.process_time() - began < 2
    assert found(mail(gzip.compress(bomb))) == [bomb]


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\r\n",
        b"Subject: hello\r\n\r\nhello\r\n",
        b"Content-Type: image/png\r\n\r\nx",
        b"Subject: hello\r\nContent-Type: application/octet-stream\r\n\r\nx",
        b"Content-Type: message/rfc822\r\n\r\n" + mail(PACKED),
        b"Content-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\nContent-Type: message/rfc822\r\n\r\n"
        + mail(PACKED),
    ],
)  # fmt: skip
def test_other_mail_is_no_report_also_if_it_holds_a_mail_that_is_one(message: bytes) -> None:
    assert list(attachment.reports(message)) == []
