"""Trace fields and log lines, as text."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from select import PIPE_BUF
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver import headers
from receiver.config.load import any_mailbox
from receiver.smtp.transaction import trace
from receiver.smtp.transaction.trace import TLS, Origin
from receiver.system import journal
from tests.receiver.connections import new_site
from tests.receiver.stores import new_store


@pytest.mark.parametrize(
    ("extended", "tls", "utf8", "keyword"),
    [
        (False, False, False, "SMTP"),
        (True, False, False, "ESMTP"),
        (True, True, False, "ESMTPS"),
        (True, False, True, "UTF8SMTP"),
        (True, True, True, "UTF8SMTPS"),
    ],
)
def test_the_protocol_keyword_is_the_registered_one(
    extended: bool, tls: bool, utf8: bool, keyword: str
) -> None:
    assert trace.protocol_keyword(extended=extended, tls=tls, utf8=utf8) == keyword


def test_received_names_only_a_single_recipient() -> None:
    origin = Origin("helo.test", "2001:db8::1", "ESMTPS", TLS("TLSv1.3", "TLS_AES_128_GCM_SHA256"))
    assert trace.received_field(origin, "mx.test", "ID1", "a@b.test", 0.0) == (
        b"Received: from helo.test ([IPv6:2001:db8::1])\r\n"
        b"\tby mx.test (Letterbox) with ESMTPS\r\n\t(using TLSv1.3 with cipher TLS_AES_128_GCM_SHA256)\r\n"
        b"\tid ID1\r\n\tfor <a@b.test>;\r\n\tThu, 01 Jan 1970 00:00:00 +0000\r\n"
    )
    assert b"for" not in trace.received_field(origin, "mx.test", "ID1", None, 0.0)


def test_a_slot_is_filled_to_its_last_octet_by_a_comment() -> None:
    fields = [b"X-Spam: Yes\r\n", b"Authentication-Results: mx.test;\r\n\tdmarc=pass\r\n"]
    plain = b"".join(fields)
    assert trace.fill_slot(fields, 0) == trace.fill_slot(fields, len(plain)) == plain
    for room in range(len(plain) + 1, len(plain) + 700):
        filled = trace.fill_slot(fields, room)
        assert len(filled) == room
        assert filled.startswith(plain[:-2])
        rest = filled[len(plain) - 2 :]
        assert re.fullmatch(
            rb" {1,4}\r\n|\r\n\t\(-*(\r\n\t-+)*\)\r\n|\r\n\t\(-*(\r\n\t-+)*\r\n\t-*\)\r\n", rest
        ), rest
        assert max(map(len, filled.split(b"\r\n"))) <= 78


@pytest.mark.parametrize(
    ("head", "subject"),
    [
        (b"Subject: plain", "plain"),
        (b"X: y\r\nsubject:folded\r\n\tover lines\r\nZ: z", "folded\tover lines"),
        (b"Subject: =?utf-8?q?gr=C3=BC=C3=9Fe?= you", "grüße you"),
        (b"Subject: =?nonsense?q?x?=", "=?nonsense?q?x?="),
        (b"Subject: =?utf-8?b?!!!?=", None),
        (b"Subject: raw \xc3\xbc \xff", "raw ü �"),
        (b"X-Subject: no\r\n", None),
    ],
)
def test_a_field_is_found_and_decoded(head: bytes, subject: str | None) -> None:
    if subject is not None or b"X-Subject" in head:
        assert headers.first_text(head, "subject") == subject
    else:
        headers.first_text(head, "subject")


@given(st.binary(max_size=80))
def test_no_subject_can_break_the_log(value: bytes) -> None:
    field = headers.first_text(b"Subject: =?" + value, "subject")
    line = journal.quoted(field)
    assert line.isprintable() or not set("\r\n\0\x1b") & set(line)
    assert len(line.splitlines()) == 1


class Broken:
    """A disk that raises an error that a disk never raises."""

    def __getattr__(self, name: str) -> Any:
        raise ValueError("secret")


def test_an_error_of_our_own_is_421_and_tells_the_client_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def converse() -> bytes:
        loop = asyncio.get_running_loop()
        store = new_store(tmp_path, Broken())
        site = new_site(any_mailbox("mx.test", tmp_path, ("example.test",)), store)
        server = await loop.create_server(site.new, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        assert (await reader.readline()).startswith(b"220 ")
        writer.write(b"HELO x\r\nMAIL FROM:<>\r\nRCPT TO:<a@example.test>\r\nDATA\r\nx\r\n.\r\n")
        replies = await asyncio.wait_for(reader.read(), 30)
        writer.close()
        server.close()
        store.close()
        return replies

    replies = asyncio.run(converse())
    assert replies.splitlines()[-1].startswith(b"421 4.3.0 ")
    assert b"secret" not in replies
    assert 'event=error peer=127.0.0.1 error="ValueError: secret"' in capsys.readouterr().err


def test_no_write_of_the_log_splits_a_line_or_can_be_split_by_another_process() -> None:
    lines = [b"event=x " + b"y" * size + b"\n" for size in (1, 700, 5000, 30, 4000, 90, 90)] * 9
    writes = list(journal.writes(lines))
    assert b"".join(writes) == b"".join(lines)
    assert all(each.endswith(b"\n") for each in writes)
    assert all(len(each) <= PIPE_BUF or each.count(b"\n") == 1 for each in writes)
    assert len(writes) < len(lines)
