"""The writer process, which stores small messages, and its receiver: neither continues without the other."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.receiver.processes import DEADLINE, ended, wait_until
from tests.receiver.server import Server
from tests.receiver.wire import Client

WORKERS = pytest.mark.parametrize("workers", [1, 2])
MESSAGE = b"Subject: x\r\n\r\nHello\r\n.\r\n"


def stop(process: int) -> None:
    os.kill(process, signal.SIGSTOP)
    wait_until(lambda: " T " in Path(f"/proc/{process}/stat").read_text(), "it stands still")


@WORKERS
def test_without_its_writer_a_receiver_answers_4xx_and_ends(
    serve: Callable[..., Server], workers: int
) -> None:
    server = serve(workers=workers)
    with server.client() as client:
        client.begin()
        stop(server.writer())
        client.send(MESSAGE)  # it is handed over, and nobody answers
        os.kill(server.writer(), signal.SIGKILL)
        client.expect("451 4.2.0")
        client.expect("421 4.3.2")
        assert client.closed()
    assert server.process.wait(DEADLINE) == 1
    assert server.messages() == []
    assert 'error="the process that stores mail has ended"' in server.log


def test_messages_under_way_when_the_writer_ends_are_still_stored(serve: Callable[..., Server]) -> None:
    server = serve()
    with server.client() as client:
        client.begin()
        client.send(b"Subject: x\r\n\r\n")
        os.kill(server.writer(), signal.SIGKILL)
        server.wait_for_log("the process that stores mail has ended")
        client.send(b"Hello\r\n.\r\n")
        client.expect("250 2.0.0 Stored")
    assert server.process.wait(DEADLINE) == 1
    (message,) = server.messages()
    assert message.endswith(b"\r\n\r\nHello\r\n")


def test_the_writer_can_be_told_by_its_name(serve: Callable[..., Server]) -> None:
    server = serve()
    assert Path(f"/proc/{server.writer()}/comm").read_text() == "letterbox-store\n"


@WORKERS
def test_the_writer_does_not_outlive_its_receiver(serve: Callable[..., Server], workers: int) -> None:
    server = serve(workers=workers)
    writer = server.writer()
    server.kill()
    assert ended(writer)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_only_the_receiver_obeys_a_signal_to_all_processes(serve: Callable[..., Server], number: int) -> None:
    server = serve()
    os.kill(server.writer(), number)
    with server.client() as client:
        client.begin()
        client.send(MESSAGE)
        client.expect("250 2.0.0 Stored")
    assert server.stop() == 0
    assert len(server.messages()) == 1


def test_at_the_end_the_writer_has_emptied_the_log(serve: Callable[..., Server]) -> None:
    server = serve()
    with server.client() as client:
        client.begin()
        client.send(MESSAGE)
        client.expect("250 2.0.0 Stored")
    assert server.stop() == 0
    for path in (server.mail / ".wal").iterdir():
        assert path.read_bytes()[:16] == bytes(16)
    assert not list((server.mail / ".owners").iterdir())


def test_a_worker_that_dies_takes_no_other_workers_mail_along(serve: Callable[..., Server]) -> None:
    server = serve(workers=2)
    first, second = (connect_to(server, worker) for worker in server.workers())
    for client in (first, second):
        client.begin()
    os.kill(server.workers()[0], signal.SIGKILL)
    second.send(MESSAGE)
    second.expect("250 2.0.0 Stored")
    server.wait_for_log("another one takes its place")
    server.wait_for_lines("event=listening", 3)
    with connect_to(server, server.workers()[-1]) as client:
        client.begin()
        client.send(MESSAGE)
        client.expect("250 2.0.0 Stored")
    assert len(server.messages()) == 2


def connect_to(server: Server, worker: int) -> Client:
    """A client of this worker that has read the greeting. The other workers are stopped meanwhile."""
    others = [each for each in server.workers() if each != worker]
    for each in others:
        stop(each)
    try:
        return server.client()
    finally:
        for each in others:
            os.kill(each, signal.SIGCONT)
