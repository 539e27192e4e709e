"""Hostile senders: smuggling, floods, slow senders, and input that has stopped other receivers."""

from __future__ import annotations

import itertools
import select
import time
from collections.abc import Callable

import pytest

from tests.receiver.processes import DEADLINE, wait_until
from tests.receiver.server import Server
from tests.receiver.wire import Client, content_of

MIB = 1 << 20

# All sequences of pieces, other than CRLF.CRLF, that some server takes for the end of data.
ENDS = [
    left + b"." + right
    for left, right in itertools.product(
        (b"\n", b"\r", b"\r\n", b"\r\r\n", b"\n\n", b"\r\0\n", b"\0\r\n", b"\r\n\0"),
        (b"\n", b"\r", b"\r\n", b"\r\r\n", b"\n\r", b"\0\r\n", b"\r\0\n"),
    )
    if (left, right) != (b"\r\n", b"\r\n")
    and not (left.endswith(b"\r\n") and left != b"\r\n\0" and right == b"\r\n")
]


@pytest.mark.parametrize("end", ENDS, ids=repr)
def test_nothing_but_crlf_dot_crlf_ends_a_message(server: Server, end: bytes) -> None:
    with server.client() as client:
        client.begin("bob@example.test")
        client.send(b"Subject: outer\r\n\r\nbody" + end + b"MAIL FROM:<smuggled@evil.test>\r\n")
        client.send(b"RCPT TO:<alice@example.test>\r\nDATA\r\nSubject: smuggled\r\n\r\n.\r\nNOOP\r\n")
        assert client.expect("554 5.")[:9] in ("554 5.5.2", "554 5.6.0")
        client.expect("250 2.0.0 OK")
        client.ask("QUIT", 221)
    assert not [each for each in server.messages() if b"smuggled" in each]


@pytest.mark.parametrize("sent", [b"a\nb", b"a\rb", b"a\0b", b"a\r\r\nb", b"\n", b"x\r\n.\rx"], ids=repr)
def test_bare_cr_lf_and_nul_are_refused_with_the_reason_in_pieces_of_any_size(
    server: Server, sent: bytes
) -> None:
    wire = b"Subject: x\r\n\r\n" + sent + b"\r\n.\r\n"
    with server.client() as client:
        for pieces in ([wire], [wire[at : at + 1] for at in range(len(wire))]):
            client.begin()
            for piece in pieces:
                client.send(piece)
            reply = client.expect("554 5.")
            assert "NUL" in reply or "bare" in reply


def test_a_long_line_is_kept_as_it_is_up_to_the_limit(server: Server) -> None:
    with server.client() as client:
        client.begin()
        client.send(b"Subject: long line\r\n\r\n" + b"x" * 99_998 + b"\r\n.\r\n")
        client.expect("250 2.0.0")
        client.begin()
        client.send(b"Subject: longer line\r\n\r\n" + b"x" * 99_999 + b"\r\n.\r\n")
        client.expect("554 5.6.0")
    (message,) = [each for each in server.messages() if b"Subject: long line" in each]
    assert content_of(message).endswith(b"x" * 99_998 + b"\r\n")


def send_all(client: Client, block: bytes, times: int) -> None:
    for _ in range(times):
        client.send(block)


def test_input_that_stalls_aiosmtpd_costs_neither_memory_nor_time_of_others(
    serve: Callable[..., Server],
) -> None:
    server = serve()
    with server.client() as other:
        before = server.peak_memory()
        with server.client() as client:  # 8 MiB of empty lines: 681 MB and a stall of 14 s
            client.begin()
            send_all(client, b"\r\n" * (MIB // 2), 8)
            used = server.cpu_seconds()
            other.ask("NOOP", 250)
            stall = server.cpu_seconds() - used
            client.send(b".\r\n")
            client.expect("250 2.0.0")
        with server.client() as client:  # a line without an end: held whole despite the limit
            client.begin()
            send_all(client, b"x" * MIB, 80)
            client.send(b"\r\n.\r\n")
            client.expect("552 5.3.4")
            other.ask("NOOP", 250)
        with server.client() as client:  # a command without an end
            send_all(client, b"x" * MIB, 50)
            client.send(b"\r\n")
            client.expect("500 5.5.2")
            client.ask("NOOP", 250)
        with server.client() as client:
            client.ask("MAIL FROM:<", "501 5.1.3")
    assert stall < 2.0
    assert server.peak_memory() - before < 16 * MIB


def test_a_sender_without_end_is_cut_off(serve: Callable[..., Server]) -> None:
    server = serve(limits={"message_size": MIB})
    with server.client() as client:
        client.begin()
        with pytest.raises((ConnectionError, TimeoutError)):
            send_all(client, b"x" * MIB, 10_000)
    server.wait_for_log("event=refused .*far too large")
    server.wait_for_empty_tmp()


def test_a_message_many_times_too_large_is_read_to_its_end_and_gets_552(serve: Callable[..., Server]) -> None:
    server = serve(limits={"message_size": MIB})
    with server.client() as client:
        for start in (b"", b"BDAT %d LAST\r\n" % (20 * MIB)):
            client.ask("MAIL FROM:<a@b.test>", 250)
            client.ask("RCPT TO:<alice@example.test>", 250)
            if start:
                client.send(start)
            else:
                client.ask("DATA", 354)
            send_all(client, b"x" * MIB, 20)
            if not start:
                client.send(b"\r\n.\r\n")
            client.expect("552 5.3.4")
        client.ask("NOOP", 250)
    assert not server.messages()


def test_refused_recipients_are_counted_from_the_last_stored_message(serve: Callable[..., Server]) -> None:
    with serve(limits={"errors": 3}).client() as client:
        for _ in range(10):
            client.ask("MAIL FROM:<a@b.test>", 250)
            client.ask("RCPT TO:<nobody@example.test>", 550)
            client.ask("RCPT TO:<alice@example.test>", 250)
            client.ask("DATA", 354)
            client.send(b".\r\n")
            client.expect("250 2.0.0")
        client.send(b"NONSENSE\r\n" * 4)
        client.expect(500, 500, 500, 500, "421 4.7.0")


def test_too_many_errors_or_commands_end_the_session_with_421(serve: Callable[..., Server]) -> None:
    server = serve(limits={"errors": 5, "commands": 50})
    with server.client() as client:
        client.send(b"NONSENSE\r\n" * 7)
        client.expect(*[500] * 6, "421 4.7.0")
        assert client.closed()
    with server.client() as client:
        client.send(b"NOOP\r\n" * 60)
        client.expect(*[250] * 50, "421 4.7.0")
        assert client.closed()


def test_a_reader_that_does_not_read_stops_being_served(serve: Callable[..., Server]) -> None:
    server = serve(limits={"commands": 1_000_000})
    before = server.peak_memory()
    with server.client() as client:
        client.socket.settimeout(0.5)
        with pytest.raises(TimeoutError):
            send_all(client, b"HELP\r\n" * 10_000, 1000)
        server.client().ask("NOOP", 250)
    assert server.peak_memory() - before < 16 * MIB


def test_too_many_connections_from_one_address_get_421_and_room_comes_back(
    serve: Callable[..., Server],
) -> None:
    server = serve(limits={"connections_per_address": 3})
    clients = [server.client() for _ in range(3)]
    for _ in range(3):
        with Client(server.port) as refused:
            refused.expect("421 4.7.0")
            assert refused.closed()
    for client in clients:
        client.ask("QUIT", 221)
        assert client.closed()
    server.client().ask("NOOP", 250)
    assert server.log_to_the_end().count("Too many connections") == 1


def drip(client: Client) -> str:
    """Send an octet from time to time until a reply comes."""
    until = time.monotonic() + DEADLINE
    while not select.select([client.socket], [], [], 0.1)[0]:
        assert time.monotonic() < until, "nobody minds"
        client.send(b"x")
    return client.reply()


def test_silence_and_drips_instead_of_commands_are_ended_with_421(serve: Callable[..., Server]) -> None:
    server = serve(limits={"command_timeout": 1})
    # Without EHLO, because on a busy machine the second may pass before EHLO is sent.
    silent, dripping = server.client(helo=None), server.client(helo=None)
    assert drip(dripping).startswith("421 4.4.2")
    silent.expect("421 4.4.2")
    assert silent.closed()


@pytest.mark.parametrize("limit", ["data_timeout", "message_timeout"])
def test_silence_and_drips_instead_of_content_are_ended_with_421(
    serve: Callable[..., Server], limit: str
) -> None:
    server = serve(limits={limit: 1})
    client = server.client()
    client.begin()
    if limit == "message_timeout":  # of the whole message, however it drips
        assert drip(client).startswith("421 4.4.2")
    else:
        client.expect("421 4.4.2")
    assert client.closed()
    assert not server.messages()


def test_a_sender_that_vanishes_in_the_middle_leaves_nothing(serve: Callable[..., Server]) -> None:
    server = serve()
    with server.client() as client:
        client.begin()
        client.send(b"Subject: cut off\r\n\r\n" + b"x" * 500_000)
        folder = server.mail / "example.test" / "alice" / "tmp"
        wait_until(lambda: folder.is_dir() and any(folder.iterdir()), f"something is in {folder}")
    server.wait_for_empty_tmp()
    assert not server.messages()
