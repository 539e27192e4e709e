"""However and whenever a connection ends, its place, its task and its descriptors are free again."""

from __future__ import annotations

import json
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.receiver.processes import DEADLINE, ROOT
from tests.receiver.server import Server
from tests.receiver.wire import Client

UVLOOP = ("-m", "receiver")
ASYNCIO = (
    "-c",
    "import sys; sys.modules['uvloop'] = None; from receiver.__main__ import main; sys.exit(main())",
)
AWAITS = {
    "waits in Outgoing.drain",
    "waits in Conversation.converse",
    "waits in upgrade_to_tls",
    "waits in Store._run",
    "waits in Store.deliver",
    "waits in GroupCommit.deliver",
}
CALLBACKS = {
    "connection_made", "connection_made, done", "data_received", "data_received, done", "eof_received",
    "pause_writing", "resume_writing", "connection_lost", "_greet",
}  # fmt: skip


@pytest.mark.parametrize("checks", [[], ["--checks"]], ids=["unchecked", "checked"])
def test_a_break_at_any_callback_and_any_await_frees_all_that_was_used(checks: list[str]) -> None:
    command = [sys.executable, "-m", "tests.receiver.breaks", "--json", *checks, "--loop"]
    runs = {
        loop: subprocess.Popen([*command, loop], cwd=ROOT, stdout=subprocess.PIPE)
        for loop in ("uvloop", "asyncio")
    }
    awaits = AWAITS | ({"waits in finish_by"} if checks else set())
    for loop, run in runs.items():
        report = json.loads(run.communicate(timeout=12 * DEADLINE)[0])
        assert report["left"] == {}, loop
        assert report["errors"] == [], loop
        assert set(report["where"]) >= awaits | CALLBACKS, loop


def reset(client: Client) -> None:
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


@pytest.mark.parametrize("program", [UVLOOP, ASYNCIO], ids=["uvloop", "asyncio"])
def test_resets_in_the_handshake_keep_nobody_out(
    serve: Callable[..., Server], certificate: tuple[Path, Path], program: Sequence[str]
) -> None:
    server = serve(certificate=certificate, limits={"connections_per_address": 3}, program=program)
    for _ in range(20):
        client = server.client(helo=None)
        client.ask("STARTTLS", 220)
        reset(client)
    server.wait_for_lines("event=refused", 20)
    with server.client() as client:
        client.starttls()
        client.ask("NOOP", 250)


def at_moments(server: Server) -> list[Client]:
    """Clients, each at another moment of a conversation."""
    silent, in_content, no_hello, half_hello, reset_in_tls, half_closed, unread, secured, in_tls = (
        server.client() for _ in range(9)
    )
    silent.send(b"NO")
    for each in (in_content, in_tls):
        if each is in_tls:
            each.starttls()
            each.ask("EHLO x", 250)
        each.begin()
        each.send(b"x" * 300_000)
    for each in (no_hello, half_hello, reset_in_tls):
        each.ask("STARTTLS", 220)
    half_hello.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
    reset(reset_in_tls)
    half_closed.begin()
    half_closed.send(b"x")
    half_closed.socket.shutdown(socket.SHUT_WR)
    unread.socket.setblocking(False)
    try:
        while True:
            unread.send(b"HELP\r\n" * 10_000)
    except BlockingIOError:
        pass
    secured.starttls()
    return [silent, in_content, no_hello, half_hello, half_closed, unread, secured, in_tls]


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("program", [UVLOOP, ASYNCIO], ids=["uvloop", "asyncio"])
def test_sigterm_ends_in_time_at_any_moment_of_its_connections(
    serve: Callable[..., Server], certificate: tuple[Path, Path], program: Sequence[str], workers: int
) -> None:
    limits = {"shutdown_timeout": 2, "commands": 10_000_000}
    server = serve(certificate=certificate, limits=limits, program=program, workers=workers)
    clients = at_moments(server)
    began = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - began < 2 + 10  # 0 to 2.2 s on an idle machine
    assert "event=stopped" in server.log
    for client in clients:
        client.close()
