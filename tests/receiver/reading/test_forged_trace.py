"""Only what stands above our own Received, in the file that we wrote, decides who really sent a message."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from receiver import headers
from receiver.reading import stored, summary
from receiver.reading.sender.verdict import Answer
from receiver.reading.stored import Stored
from receiver.reading.summary import Summary
from tests.receiver.reading.results import FORGED, GENUINE, UNKNOWN, written
from tests.receiver.stored_mail import Mail

LETTER = "From: Bank <info@bank.example>\nSubject: {}\n\nhello\n"
SPAM = b"X-Spam: Yes, score=12.3, required=6.0\r\n"

# What a sender may write to look like a message that this host checked.
FAKES = (
    b"Return-Path: <info@bank.example>\r\n",
    b"Delivered-To: alice@example.test\r\n",
    written(GENUINE),
    written(GENUINE).replace(b"\r\n", b"\n"),
    written(GENUINE).replace(b"Authentication-Results", b"authentication-results "),
    SPAM,
    b"Received: from mail.bank.example ([192.0.2.1])\r\n\tby mx1.example.test (Letterbox) with ESMTPS\r\n"
    b"\tid {identity}\r\n\tfor <alice@example.test>;\r\n\tSun, 22 Nov 2026 15:00:00 +0000\r\n",
    b"From: info@bank.example\r\n",
    b"\xef\xbb\xbf",
    b" folded\r\n",
    b"no field\r\n",
    b"\r\n",
    b"\n",
    b"\r",
)


def _fake(chance: random.Random) -> bytes:
    return b"".join(chance.choice(FAKES) for _ in range(chance.randint(0, 12)))


def _read(path: Path) -> Summary:
    """The summary of a stored message. A sender that knows the identity beforehand uses it."""
    box = stored.Maildir("example.test", "alice", str(path.parents[1]))
    message = Stored(box, path.name, str(path))
    path.write_bytes(path.read_bytes().replace(b"{identity}", message.identity.encode()))
    return summary.read(message)


def test_nothing_that_a_sender_writes_changes_the_answer(tmp_path: Path) -> None:
    chance, mail = random.Random(16), Mail(tmp_path)
    for _ in range(400):
        assert _read(mail.store(_fake(chance))).verdict.answer is Answer.UNCHECKED
        assert not _read(mail.store(_fake(chance), above=written(UNKNOWN))).is_spam
        assert _read(mail.store(_fake(chance), above=written(FORGED))).verdict.is_authentic is False
        assert _read(mail.store(_fake(chance), above=written(FORGED) + SPAM)).is_spam


def test_a_message_that_was_copied_into_the_folder_is_not_checked(tmp_path: Path) -> None:
    chance, mail = random.Random(17), Mail(tmp_path)
    whole = b"".join(FAKES[at] for at in (0, 1, 2, 6, 7))
    box = mail.store(whole, above=written(GENUINE)).parent
    for number in range(400):
        path = box / f"18{number:08d}.M1P{number}Q1R0000000{number}.mx1.example.test"
        path.write_bytes((whole if number == 0 else _fake(chance)).replace(b"{identity}", b"M1P1Q1R00000000"))
        assert _read(path).verdict.answer is Answer.UNCHECKED


def test_a_message_keeps_its_answer_after_a_change_of_the_host_s_name(tmp_path: Path) -> None:
    mail = Mail(tmp_path)
    path = mail.store(LETTER.format("x"), above=written(GENUINE, "old-name.example.test"))
    path.write_bytes(path.read_bytes().replace(b"by mx1.example.test", b"by old-name.example.test"))
    renamed = path.rename(path.parents[1] / "cur" / path.name.replace("mx1", "old-name"))
    assert _read(renamed).verdict.is_authentic is True


@pytest.mark.parametrize("flags", [":2,S", ":2,FRS"])
def test_a_message_keeps_its_answer_when_it_was_read_or_restored(tmp_path: Path, flags: str) -> None:
    mail = Mail(tmp_path)
    path = mail.store(LETTER.format("x"), above=written(GENUINE))
    renamed = path.rename(path.parents[1] / "cur" / f"alice@example.test.{path.name}.eml{flags}")
    assert _read(renamed).verdict.is_authentic is True


def test_two_fields_above_ours_are_not_believed(tmp_path: Path) -> None:
    path = Mail(tmp_path).store(LETTER.format("x"), above=written(GENUINE) + written(FORGED))
    assert _read(path).verdict.answer is Answer.UNCHECKED


def test_an_encoded_word_in_the_field_is_not_decoded(tmp_path: Path) -> None:
    """If it were, the quote in it would end the stranger's text."""
    word = "=?utf-8?Q?=22=3B_dmarc=3Dpass_=28p=3Dnone_at_gmail.com=29_header.from=3Dgmail.com?="
    above = written(UNKNOWN).replace(b"someone@sender.test", f'"{word}"'.encode())
    assert word.encode() in above
    assert _read(Mail(tmp_path).store(LETTER.format("x"), above=above)).verdict.answer is Answer.UNKNOWN


def test_our_fields_take_no_room_from_the_fields_of_the_sender(tmp_path: Path) -> None:
    """The log looks at MAX_HEAD octets of what the sender wrote, and so do the reading commands."""
    subject = b"Subject: seen by both\r\n"
    filler = b"X: " + b"y" * 1000 + b"\r\n"
    head = filler * ((headers.MAX_HEAD - len(subject)) // len(filler)) + subject
    path = Mail(tmp_path).store(head + b"\r\nx\r\n", above=written(GENUINE) + SPAM)
    assert headers.first_text(head, "subject") == _read(path).subject == "seen by both"
    padded = b"X: " + b"y" * (headers.MAX_HEAD - len(head) + len(subject)) + b"\r\n"
    late = head.replace(subject, padded) + subject
    path = Mail(tmp_path / "late").store(late + b"\r\nx\r\n", above=written(GENUINE) + SPAM)
    assert (headers.first_text(late, "subject") or "") == _read(path).subject == ""
