"""Messages are hashed as they pass, so senders who are checked take as little memory as others."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from receiver.smtp.transaction.header_gate import LIMIT
from tests.receiver.checks.dkim.messages import signed
from tests.receiver.server import Server

MIB = 1 << 20
THOROUGH = os.environ.get("LETTERBOX_THOROUGH") == "1"
PIECE = b"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcd\r\n" * (MIB // 64)
NUMBER, SIZE = (200, 24) if THOROUGH else (30, 6)  # senders, and MiB of each


def growth(server: Server, content: bytes = PIECE) -> int:
    """The octets by which the peak grows when many send a large signed message at once."""
    head = signed(body=PIECE * SIZE).partition(b"\r\n\r\n")[0]
    with server.client("mail.example.com") as client:  # this loads what is loaded once
        client.begin(sender="<news@example.com>")
        client.send(signed() + b".\r\n")
        client.expect(250)
    senders = [server.client("mail.example.com") for _ in range(NUMBER)]
    before = server.peak_memory()
    for sender in senders:
        sender.begin(sender="<news@example.com>")
        sender.send(head + b"\r\n\r\n")
    for _ in range(SIZE):
        for sender in senders:
            sender.send(content)
    for sender in senders:
        sender.send(b".\r\n")
    for sender in senders:
        sender.expect("250 2.0.0")
        sender.close()
    return server.peak_memory() - before


def test_many_large_messages_take_no_more_memory_with_checks(
    serve: Callable[..., Server], resolver: Path
) -> None:
    limits = {"connections_per_address": 500, "connections_per_network": 500}
    unchecked = growth(serve(limits=limits))
    server = serve(limits=limits, resolver=resolver)
    checked = growth(server)
    print(f"\n{NUMBER} senders of {SIZE} MiB: {unchecked / MIB:.0f} MiB, checked {checked / MIB:.0f} MiB")
    server.wait_for_lines("event=received", NUMBER + 1)
    assert server.log.count(" dkim=pass spf=pass dmarc=pass ") == NUMBER + 1
    assert checked - unchecked < 10 * MIB


def test_many_header_sections_of_the_largest_size_take_bounded_memory(
    serve: Callable[..., Server], resolver: Path
) -> None:
    server = serve(resolver=resolver)
    line = b"X: " + b"x" * 59 + b"\r\n"
    head = signed().partition(b"\r\n\r\n")[0] + b"\r\n"
    head += line * ((LIMIT - len(head)) // len(line))
    senders = [server.client("mail.example.com") for _ in range(30)]
    before = server.peak_memory()
    for sender in senders:
        sender.begin(sender="<news@example.com>")
        sender.send(head + b"\r\n")
    for sender in senders:
        sender.send(b".\r\n")
        sender.expect("250 2.0.0")
    assert server.peak_memory() - before < 30 * 6 * LIMIT


@pytest.mark.skipif(not THOROUGH, reason="make thorough")
def test_the_memory_of_an_idle_receiver_grows_by_at_most_10_mib(
    serve: Callable[..., Server], resolver: Path
) -> None:
    unchecked, checked = serve().peak_memory(), serve(resolver=resolver).peak_memory()
    print(f"\n{unchecked / MIB:.1f} MiB, with checks {checked / MIB:.1f} MiB")
    assert checked - unchecked < 10 * MIB
