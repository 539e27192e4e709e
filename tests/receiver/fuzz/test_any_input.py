"""Whatever a stranger sends, in whatever pieces: replies are well formed, and nothing of ours breaks."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from receiver.config.load import any_mailbox
from tests.receiver.connections import new_site
from tests.receiver.fuzz import reading as fuzz_reading
from tests.receiver.fuzz.conversation import TARGET
from tests.receiver.stores import new_store

WORDS = [
    b"EHLO x\r\n", b"HELO x\r\n", b"MAIL FROM:<a@b.test>\r\n", b"RCPT TO:<a@example.test>\r\n", b"DATA\r\n",
    b"RCPT TO:<b+c@example.test>\r\n", b"BDAT 5\r\nab\r\nc", b"BDAT 4 LAST\r\nx\r\ny", b"BDAT 0 LAST\r\n",
    b"BDAT 99\r\n", b"RSET\r\n", b"NOOP\r\n", b"STARTTLS\r\n", b"VRFY x\r\n", b"HELP\r\n",
    b"Subject: x\r\n\r\nbody\r\n", b".\r\n", b"..\r\n", b"\r\n.\r\n", b"\r\n", b"\n", b"\r", b"\0", b".",
    b"MAIL FROM:<", b"MAIL FROM:<> SIZE=", b"RCPT TO:", b"BDAT ", b"\xff\xfe", "ü".encode(), b"x" * 5000,
]  # fmt: skip
TALK = st.lists(st.sampled_from(WORDS), max_size=30)
USUAL = st.sampled_from(
    [b"", b"".join(WORDS[i] for i in (0, 2, 3)), b"".join(WORDS[i] for i in (0, 2, 3, 4))]
)
REPLY = re.compile(rb"(?:[2-5]\d\d-[^\r\n]*\r\n)*[2-5]\d\d [ -~\xc2-\xf4\x80-\xbf]*\r\n")


@settings(max_examples=150, suppress_health_check=list(HealthCheck))
@given(start=USUAL, talk=TALK, size=st.sampled_from([1, 2, 3, 7, 100_000]))
def test_any_talk_gets_well_formed_replies_and_no_error_of_ours(
    start: bytes, talk: list[bytes], size: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wire = start + b"".join(talk)
    size = size if len(wire) < 3000 else 100_000

    async def converse() -> bytes:
        loop = asyncio.get_running_loop()
        store = new_store(tmp_path, threads=1)
        site = new_site(any_mailbox("mx.test", tmp_path, ("example.test",)), store)
        server = await loop.create_server(site.new, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        greeting = await reader.readline()
        for at in range(0, len(wire), size):
            writer.write(wire[at : at + size])
            await asyncio.sleep(0)
        writer.write_eof()
        replies = greeting + await asyncio.wait_for(reader.read(), 30)
        writer.close()
        server.close()
        async with asyncio.timeout(30):
            # What is cut off is removed once the sender is gone.
            while site.connections.connections or site.connections.tasks:  # noqa: ASYNC110
                await asyncio.sleep(0.001)
        store.close()
        return replies

    replies = asyncio.run(converse())
    assert re.fullmatch(rb"(?:" + REPLY.pattern + rb")+", replies), replies
    for reply in REPLY.findall(replies)[1:]:
        assert re.match(rb"250[ -]mx\.test|250-|354 |([245])\d\d \1\.\d\.\d{1,2} ", reply), reply
    assert "event=error" not in capsys.readouterr().err
    assert not list(tmp_path.glob("*/*/tmp/*"))


def test_talks_by_chance_break_no_promise_of_the_fuzz_target() -> None:
    assert TARGET.by_chance(runs=1500, seconds=60, seed=1) > 100  # `make fuzz` tries others


def test_mails_by_chance_break_no_promise_of_the_fuzz_target_for_reading() -> None:
    assert fuzz_reading.TARGET.by_chance(runs=600, seconds=60, seed=1) > 50


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(octets=st.binary(max_size=400), start=st.sampled_from(fuzz_reading.STARTS))
def test_any_octets_can_be_read_as_a_mail(octets: bytes, start: bytes) -> None:
    fuzz_reading.check(start + octets)
