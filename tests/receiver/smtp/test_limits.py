"""Each limit of the configuration: what exceeds it gets its reply, and others are still served."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Callable

from receiver.config.values import Limits
from receiver.smtp.admission import Admission
from receiver.smtp.connection import Connection
from tests.receiver.connections import Site, new_site
from tests.receiver.fuzz.conversation import CONFIG, MemoryStore, Pipe
from tests.receiver.server import Server
from tests.receiver.wire import Client

MIB = 1 << 20


def test_too_many_messages_end_the_session_with_421(serve: Callable[..., Server]) -> None:
    with serve(limits={"messages": 2}).client() as client:
        for _ in range(2):
            client.begin()
            client.send(b".\r\n")
            client.expect(250)
        client.ask("MAIL FROM:<a@b.test>", "421 4.7.0")
        assert client.closed()


def test_too_many_connections_in_all_get_421_and_room_comes_back(serve: Callable[..., Server]) -> None:
    server = serve(limits={"connections": 2})
    first, second = server.client(), server.client()
    with Client(server.port, "127.0.99.1") as third:
        third.expect("421 4.3.2")
        assert third.closed()
    first.ask("QUIT", 221)
    assert first.closed()
    server.client().ask("NOOP", 250)
    second.ask("NOOP", 250)


def test_too_many_connections_of_a_network_leave_room_for_others(serve: Callable[..., Server]) -> None:
    server = serve(limits={"connections_per_network": 2})
    kept = [Client(server.port, f"127.0.1.{number}") for number in (1, 2)]
    for each in kept:
        each.expect(220)
    for number in (3, 4, 5):
        with Client(server.port, f"127.0.1.{number}") as refused:
            refused.expect("421 4.7.0")
    with Client(server.port, "127.0.2.1") as neighbour:
        neighbour.expect(220)
    assert server.log_to_the_end().count("from your network") == 1


def test_recipients_over_the_limit_are_put_off_and_the_rest_delivered(
    serve: Callable[..., Server],
) -> None:
    server = serve(limits={"recipients": 1})
    with server.client() as client:
        client.ask("MAIL FROM:<a@b.test>", 250)
        client.ask("RCPT TO:<alice@example.test>", 250)
        client.ask("RCPT TO:<bob@example.test>", "452 4.5.3")
        client.ask("DATA", 354)
        client.send(b".\r\n")
        client.expect(250)
    assert (len(server.messages("alice@example.test")), len(server.messages("bob@example.test"))) == (1, 0)


def test_many_large_messages_at_once_are_streamed_not_held(serve: Callable[..., Server]) -> None:
    server = serve()
    senders = [server.client() for _ in range(30)]
    before = server.peak_memory()
    for sender in senders:
        sender.begin()
    for _ in range(6):
        for sender in senders:
            sender.send(b"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcd\r\n" * (MIB // 64))
    for sender in senders:
        sender.send(b".\r\n")
        sender.expect("250 2.0.0")
    assert server.peak_memory() - before < 60 * MIB  # of 180 MiB sent; 22 is usual
    assert len(server.messages()) == 30


def test_each_command_has_a_time_limit(serve: Callable[..., Server]) -> None:
    server = serve(limits={"command_timeout": 1})
    # Without EHLO, because on a busy machine the second may pass before EHLO is sent.
    halves = [server.client(helo=None) for _ in range(3)]
    for client, half in zip(halves, ("MAIL FROM:<a@b.test>", "DATA", "NO"), strict=True):
        client.send(half.encode())
    for client in halves:
        client.expect("421 4.4.2")
        assert client.closed()


def test_an_ended_connection_leaves_nothing_in_memory() -> None:
    async def ended(site: Site) -> weakref.ref[Connection]:
        connection = site.new()
        connection.connection_made(Pipe())
        connection.data_received(b"HELO x\r\nQUIT\r\n")
        connection.connection_lost(None)
        return weakref.ref(connection)

    async def two() -> list[Connection | None]:
        site = new_site(CONFIG, MemoryStore())
        kept = [await ended(site), await ended(site)]
        gc.collect()
        return [each() for each in kept]

    assert asyncio.run(two()) == [None, None]


def test_a_connection_whose_peer_is_gone_does_not_count_as_all_connections() -> None:
    admission = Admission(Limits(connections=10, connections_per_address=2))
    for number in range(5):
        assert admission.enter(f"192.0.2.{number}") is None
    assert admission.enter("") is None
