"""The keys of objects: reversible for any mailbox, and the same for the same message."""

from __future__ import annotations

import hashlib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.bucket import keys
from receiver.bucket.keys import Below, Key
from receiver.mailbox import Mailbox

FIELDS = b"Return-Path: <a@sender.example>\r\nDelivered-To: bob@example.com\r\n"
NAME = "1795726800.M123456P77Q1Rab12.mx1.example.com"
IDENTITY = "M123456P77Q1Rab12"
MESSAGE = b"From: a@sender.example\r\nMessage-ID: <1@sender.example>\r\n\r\nHello.\r\n"


def tail(content: bytes, fields: bytes = FIELDS, name: str = NAME, piece: int = 0) -> str:
    below = Below()
    for at in range(0, len(content), piece or max(len(content), 1)):
        below.add(content[at : at + (piece or len(content))])
    return below.tail(fields, name)


def test_a_message_with_a_message_id_has_a_digest_of_its_fields_and_content() -> None:
    inner = hashlib.sha256(MESSAGE).digest()
    expected = hashlib.sha256(str(len(FIELDS)).encode() + b":" + FIELDS + inner).hexdigest()[:40]
    assert tail(MESSAGE) == "H" + expected


@pytest.mark.parametrize("piece", [1, 7, 64])
def test_pieces_do_not_matter(piece: int) -> None:
    assert tail(MESSAGE, piece=piece) == tail(MESSAGE)


def test_the_file_name_does_not_matter_with_a_message_id() -> None:
    assert tail(MESSAGE, name="1795726999.M1P2Q3R4.mx2.example.com") == tail(MESSAGE)


def test_another_recipient_or_content_is_another_tail() -> None:
    assert len({tail(MESSAGE), tail(MESSAGE, FIELDS + b"x"), tail(MESSAGE + b"x")}) == 3


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\r\n\r\nMessage-ID: <1@sender.example>\r\n",
        b"\r\nMessage-ID: <1@sender.example>\r\n\r\n",
        b"Subject: x\r\n\r\nMessage-ID: <1@sender.example>\r\n",
        b"Subject: x\n\nMessage-ID: <1@sender.example>\n",
        b"Subject: x\r\n Message-ID: <1@sender.example>\r\n\r\n",
        b"X-Message-ID: <1@sender.example>\r\n\r\n",
        b"Message-ID:\r\nSubject: x\r\n\r\n",
        b"Message-ID: \r\n\r\nbody",
        b"Message-ID: <>\r\n\r\nbody",
        b"Message-ID:\r\n\t< >\r\n\r\nbody",
    ],
)
def test_without_a_message_id_the_tail_is_the_identity(content: bytes) -> None:
    assert tail(content) == IDENTITY


def test_a_long_header_section_is_searched_once_for_all_copies() -> None:
    below = Below()
    below.add((b"Message-ID:" + b" " * 900 + b"\r\n") * 140)
    began = time.process_time()
    first = below.tail(FIELDS, NAME)
    once = time.process_time() - began
    for number in range(1000):
        assert below.tail(b"Delivered-To: %d@example.com\r\n" % number, NAME) == first == IDENTITY
    assert time.process_time() - began < 100 * once


@pytest.mark.parametrize(
    "content",
    [
        b"message-id:<1@x>\r\n\r\n",
        b"Subject: x\r\nMESSAGE-ID : <1@x>\r\n",
        b"Message-ID:\r\n\t<1@x>\r\n\r\n",
        b"Subject: x\nMessage-Id: <1@x>\n\n",
    ],
)
def test_a_message_id_is_found_however_it_is_written(content: bytes) -> None:
    assert tail(content).startswith("H")


def test_a_file_that_another_program_named_has_a_tail_without_its_flags() -> None:
    first = tail(b"\r\n", name="1795726800.V801I2M3.host")
    assert first[0] == "N"
    assert first == tail(b"\r\n", name="1795726800.V801I2M3.host:2,S") != tail(b"\r\n", name="other")


@given(
    st.text(st.characters(blacklist_characters="/\0", blacklist_categories=["Cs"]), min_size=1, max_size=80)
)
def test_every_mailbox_can_be_read_from_its_key(name: str) -> None:
    key = Key("2026-11-26/20", Mailbox("example.com", name), "H" + "0" * 40)
    assert keys.parse(str(key)) == key
    assert str(key).isascii() and str(key).count("/") == 4
    assert not {".", "..", ""} & set(str(key).split("/"))


@pytest.mark.parametrize(
    "key",
    [
        "",
        "x",
        ".letterbox/check/00",
        "2026-11-26/20/example.com/bob",
        "2026-11-26/20/example.com/bob/H12",
        "2026-11-26/20/example.com/bob/../x",
        "2026-11-26/24/example.com/bob/M1P2Q3R4",
        "2026-13-26/20/example.com/bob/M1P2Q3R4",
        "2026-11-26/20/example.com/..%2Fbob/M1P2Q3R4",
        "2026-11-26/20/example.com/%FF/M1P2Q3R4",
        "2026-11-26/20/example.com/b%6fb/M1P2Q3R4",
        "2026-11-26/20/example.com/bob/M1P2Q3R4/x",
        "2026-11-26/20/example.com/bob\0/M1P2Q3R4",
    ],
)
def test_what_is_no_key_of_ours_is_none(key: str) -> None:
    assert keys.parse(key) is None


def test_an_hour_is_in_utc() -> None:
    assert keys.hour(1795726800) == "2026-11-26/21"
    assert keys.is_hour(keys.hour(1795726800))
