"""What is said to rspamd, and what of its replies is believed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.spam_filter import Judgement, Question, parse_reply, request
from tests.receiver.spam_filter.stand_in import answer, result

KNOWN = {
    "POST /checkv2 HTTP/1.0",
    *("Content-Length", "Queue-Id", "MTA-Name", "IP", "Hostname", "Helo", "From", "Rcpt"),
}


def test_what_is_not_known_is_not_sent() -> None:
    assert request(Question("M1", "mx.test"), 0).decode().split("\r\n")[1:] == [
        "Content-Length: 0",
        "Queue-Id: M1",
        "MTA-Name: mx.test",
        "From: <>",
        "",
        "",
    ]


@given(st.lists(st.text(max_size=20), min_size=6, max_size=9))
def test_no_value_begins_a_line_of_the_request(texts: list[str]) -> None:
    question = Question(*texts[:6], recipients=[*texts[6:], "a\r\nFile: /etc/passwd\r\n\r\n"])
    head = request(question, 1)
    assert head.endswith(b"\r\n\r\n")
    lines = head[:-4].decode().split("\r\n")
    assert all(line.partition(":")[0] in KNOWN for line in lines)
    assert not any(each < " " or each == "\x7f" for line in lines for each in line)


def test_a_thousand_long_recipients_leave_the_request_small_enough_for_rspamd() -> None:
    recipients = [f"{'x' * 60}{number}@{'y' * 60}.{'z' * 60}.test" for number in range(1000)]
    head = request(Question("M1", "mx.test", recipients=recipients), 1)
    assert b"Rcpt: <" in head
    assert len(head) < 80 * 1024


@pytest.mark.parametrize(
    ("action", "score", "field"),
    [
        ("no action", "-1.25", b""),
        ("greylist", "4.5", b""),
        ("soft reject", "5", b""),
        ("an action of the admin's", "5", b""),
        ("add header", "7.24", b"X-Spam: Yes, score=7.2, required=6.0\r\n"),
        ("rewrite subject", "8", b"X-Spam: Yes, score=8.0, required=6.0\r\n"),
        ("quarantine", "9", b"X-Spam: Yes, score=9.0, required=6.0\r\n"),
        ("discard", "9", b"X-Spam: Yes, score=9.0, required=6.0\r\n"),
        ("reject", "20.06", b"X-Spam: Yes, score=20.1, required=6.0\r\n"),
    ],
)
def test_each_action_marks_a_message_or_leaves_it(action: str, score: str, field: bytes) -> None:
    judgement = parse_reply(result(answer(action, score)))
    assert (judgement.field, judgement.is_spam) == (field, bool(field))
    assert judgement.rejects is (action == "reject")


def test_rspamd_3_4_does_not_say_what_marks_a_message() -> None:
    reply = result(b'{"is_skipped":false,"score":6.7,"required_score":15.0,"action":"add header"}')
    assert parse_reply(reply).field == b"X-Spam: Yes, score=6.7\r\n"


def test_what_only_looks_like_the_urls_is_not_cut_off() -> None:
    assert parse_reply(result(answer("no action", "1", ',"urls":["a.test"],"z":{"action":"reject"}'))) == (
        Judgement(is_spam=False, score=1.0, required=6.0)
    )


@given(st.binary())
def test_any_octets_are_a_judgement_or_a_value_error(octets: bytes) -> None:
    for reply in (octets, b"HTTP/1.0 200 OK\r\n\r\n" + octets):
        try:
            assert parse_reply(reply).is_spam in (True, False)
        except ValueError as error:
            assert str(error).startswith("it")
