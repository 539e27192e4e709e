"""A fault of our own in the relay: the client is not kept waiting, and the next question is answered."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from services.resolver.nameservers import Record
from services.resolver.varlink import Conversation

CALL = json.dumps(
    {"method": "io.systemd.Resolve.ResolveRecord", "parameters": {"name": "a.test", "type": 16}}
)


def test_an_error_of_our_own_hangs_up_at_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def broken(name: str, kind: int) -> list[Record]:
        raise RuntimeError("a fault")

    async def asked() -> bytes:
        loop = asyncio.get_running_loop()
        server = await loop.create_unix_server(lambda: Conversation(broken), tmp_path / "socket")
        async with asyncio.timeout(60), server:
            reader, writer = await asyncio.open_unix_connection(tmp_path / "socket")
            writer.write(CALL.encode() + b"\0")
            reply = await reader.read()
            writer.close()
            return reply

    assert asyncio.run(asked()) == b""
    assert "a fault" in caplog.text


def test_a_second_question_before_the_answer_is_hung_up_on(tmp_path: Path) -> None:
    async def asked() -> bytes:
        was_asked = asyncio.Event()

        async def silent(name: str, kind: int) -> list[Record]:
            was_asked.set()
            await asyncio.Event().wait()
            raise AssertionError

        loop = asyncio.get_running_loop()
        server = await loop.create_unix_server(lambda: Conversation(silent), tmp_path / "socket")
        async with asyncio.timeout(60), server:
            reader, writer = await asyncio.open_unix_connection(tmp_path / "socket")
            writer.write(CALL.encode() + b"\0")
            await was_asked.wait()
            writer.write(CALL.encode() + b"\0")
            reply = await reader.read()
            writer.close()
            return reply

    assert asyncio.run(asked()) == b""
