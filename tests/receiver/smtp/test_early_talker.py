"""A sender that speaks before it can have seen our greeting is refused. Others lose no time."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable

from tests.receiver.server import Server
from tests.receiver.wire import Client

EARLY = b"EHLO early.test\r\nMAIL FROM:<a@b.test>\r\n"


def test_input_before_the_greeting_ends_the_session(serve: Callable[..., Server]) -> None:
    server = serve()
    server.process.send_signal(signal.SIGSTOP)  # The input certainly comes before the greeting.
    with Client(server.port) as client:
        client.send(EARLY)
        server.process.send_signal(signal.SIGCONT)
        client.expect("421 4.5.0")
        assert client.closed()
    server.wait_for_log("event=refused .*spoke before the greeting")


def test_with_a_delay_the_greeting_comes_after_the_silence(serve: Callable[..., Server]) -> None:
    server = serve(limits={"greeting_delay": 1})
    server.process.send_signal(signal.SIGSTOP)  # The input certainly comes before the greeting.
    with Client(server.port) as early, Client(server.port) as patient:
        early.send(EARLY)
        started = time.monotonic()
        server.process.send_signal(signal.SIGCONT)
        early.expect("421 4.5.0")
        patient.expect(220)
        assert time.monotonic() - started > 0.9  # a timer counts in whole milliseconds, and may be early
        patient.ask("EHLO patient.test", 250)


def test_a_sender_that_answers_at_once_is_never_taken_for_early(serve: Callable[..., Server]) -> None:
    server = serve()
    for _ in range(200):
        with Client(server.port) as client:
            client.expect(220)
            client.send(b"QUIT\r\n")
            client.expect(221)
