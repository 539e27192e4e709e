"""Which parts of aiosmtpd a stranger can reach, and which we use (docs/architecture.md says why)."""

from __future__ import annotations

import asyncio
import inspect

from aiosmtpd import smtp

from receiver.smtp.connection import Connection
from receiver.smtp.transaction.envelope import Envelope
from receiver.smtp.verbs import VERBS
from tests.receiver.connections import new_site
from tests.receiver.fuzz.conversation import CONFIG, MemoryStore, Pipe


def test_a_stranger_can_call_the_verbs_of_the_table_and_no_others() -> None:
    async def answers() -> dict[str, bytes]:
        inherited = [name.removeprefix("smtp_") for name in dir(smtp.SMTP) if name.startswith("smtp_")]
        found = {}
        for verb in {*inherited, *(each.decode() for each in VERBS), "XCLIENT", "DEBUG"}:
            talk, pipe = new_site(CONFIG, MemoryStore()).new(), Pipe()
            talk.connection_made(pipe)
            pipe.written.clear()
            talk.data_received(f"{verb}\r\n".encode())
            found[verb] = bytes(pipe.written[:9])
        return found

    for verb, answer in asyncio.run(answers()).items():
        assert (answer == b"500 5.5.1") == (verb.encode() not in VERBS), (verb, answer)


def test_every_callback_of_the_event_loop_is_ours() -> None:
    callbacks = {
        name for kind in (asyncio.Protocol, asyncio.BufferedProtocol)
        for name, _ in inspect.getmembers(kind, inspect.isfunction) if not name.startswith("_")
    }  # fmt: skip
    called = callbacks - {"buffer_updated", "get_buffer"}  # methods of a BufferedProtocol, which ours is not
    assert called >= {"connection_made", "connection_lost", "data_received", "eof_received"}
    for name in called:
        assert inspect.getmodule(getattr(Connection, name)) is inspect.getmodule(Connection), name


def test_session_and_envelope_are_those_of_aiosmtpd() -> None:
    async def session() -> object:
        talk = new_site(CONFIG, MemoryStore()).new()
        talk.connection_made(Pipe())
        return talk.session

    assert type(asyncio.run(session())) is smtp.Session
    assert issubclass(Envelope, smtp.Envelope) and issubclass(Connection, smtp.SMTP)
