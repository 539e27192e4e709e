"""What a hook makes of each answer of its target: only a whole 2xx is a success."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from email.utils import formatdate

import pytest

from services.hooks.configuration import Endpoint, Url
from services.hooks.credentials import Credentials
from services.hooks.outcome import Delivered, Outcome, Stopped, Vanished
from services.hooks.schedule import Failure
from services.hooks.url import answers
from services.hooks.url.posting import Poster
from tests.services.hooks.hooks import KEY, Hook
from tests.services.hooks.target import Answer, Request, Target, dripping, octets, status

NOW = 1_790_000_000.0


def post(
    hook: Hook, target: Target, *, longest: float = 60.0, content: bytes = b"Subject: x\r\n\r\n"
) -> Outcome:
    """Post one message in the raw form."""
    url = Url(Endpoint("http", "127.0.0.1", target.port, "/mail"), "raw", allow_private=True)
    name = hook.store(content)
    credentials = Credentials((KEY,), b"actionmailbox:s3cret")
    poster = Poster(url, credentials, None, now=lambda: NOW, longest=longest)
    return poster(name, str(hook.pending / name))


@pytest.mark.parametrize("line", ["200 OK", "201 Created", "202 Accepted", "204 No Content", "299 Own"])
def test_any_2xx_is_a_success(hook: Hook, target: Target, line: str) -> None:
    target.answer = status(line, body=b"" if line.startswith("204") else b"thanks")
    assert post(hook, target) == Delivered(line[:3])


def test_410_stops_the_hook(hook: Hook, target: Target) -> None:
    target.answer = status("410 Gone")
    assert post(hook, target) == Stopped("410 Gone")


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (status("500 Oops, token=abc"), "500 Internal Server Error"),
        (status("400 Bad Request"), "400 Bad Request"),
        (status("401 Unauthorized"), "401 Unauthorized"),
        (status("404 Not Found"), "404 Not Found"),
        (status("304 Not Modified"), "304 Not Modified: redirects are not followed"),
        (status("999 Odd"), "999"),
        (octets(), "no whole answer: "),
        (octets(b"HTTP/1.1 200 OK\r\nContent-Le"), "no whole answer: it was cut off"),
        (octets(b"HTTP/1.1 200 OK\r\nServer: x\r\n"), "no whole answer: it was cut off"),
        (octets(b"HTTP/1.1 200"), "no whole answer: it was cut off"),
        (octets(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345"), "no whole answer: it was cut off"),
        (octets(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12"), "no whole answer: "),
        (octets(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), "no whole answer: "),
        (octets(b"220 mx1.example.test ESMTP\r\n"), "no whole answer: "),
        (octets(b"\x16\x03\x01\0\xff\xff\n" * 50), "no whole answer: "),
        (octets(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n" * 500, b"\r\n"), "no whole answer: "),
        (octets(b"HTTP/1.1 200 OK\r\nX: ", b"y" * 100_000, b"\r\n\r\n"), "no whole answer: "),
    ],
)
def test_any_other_answer_is_a_failure_in_our_words(
    hook: Hook, target: Target, answer: Answer, error: str
) -> None:
    target.answer = answer
    outcome = post(hook, target)
    assert isinstance(outcome, Failure)
    assert outcome.error.startswith(error)
    assert "token" not in outcome.error
    assert outcome.is_of_message == outcome.error.startswith("400")


@pytest.mark.parametrize("code", [400, 401, 403, 404, 413, 415, 422, 429, 500, 502, 503])
def test_some_answers_are_about_the_message_and_not_about_the_target(code: int) -> None:
    outcome = answers.outcome(code, None, None, NOW)
    assert isinstance(outcome, Failure)
    assert outcome.is_of_message == (code in {400, 413, 415, 422})


def test_a_redirect_is_not_followed_and_its_path_is_not_told(hook: Hook, target: Target) -> None:
    with Target() as other:
        target.answer = status("307 Temporary Redirect", f"Location: {other.url('/?key=abc')}")
        assert post(hook, target) == Failure(
            "307 Temporary Redirect to 127.0.0.1: redirects are not followed"
        )
        assert other.connections == 0


@pytest.mark.parametrize(
    ("head", "drop"),
    [
        (b"", b""),
        (b"HTTP/1.1 200 OK\r\n", b"X-Slow: y\r\n"),
        (b"HTTP/1.1 2", b""),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n", b"x"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n", b""),
    ],
    ids=["nothing", "head that drips", "half a status", "body that drips", "no body"],
)
def test_an_answer_that_is_not_whole_in_time_is_a_failure(
    hook: Hook, target: Target, head: bytes, drop: bytes
) -> None:
    ended = threading.Event()
    target.answer = dripping(head, drop, ended)
    began = time.monotonic()
    outcome = post(hook, target, longest=1.0)
    ended.set()
    assert outcome == Failure("no whole answer within 1 s")
    assert 0.9 < time.monotonic() - began < 20


def test_a_target_that_does_not_read_is_a_failure_in_time(hook: Hook) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        full = Target()
        full.port = silent.getsockname()[1]
        outcome = post(hook, full, longest=0.5, content=b"x" * 12_000_000)
    assert isinstance(outcome, Failure)
    assert "no whole answer" in outcome.error


def test_a_very_long_body_of_a_success_is_not_read_to_its_end(hook: Hook, target: Target) -> None:
    sent = []

    def answer(connection: socket.socket, request: Request) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(1000):
            connection.sendall(b"x" * 65_536)
            sent.append(1)

    target.answer = answer
    assert post(hook, target) == Delivered("200")
    assert len(sent) < 1000


def test_nobody_who_listens_is_a_failure(hook: Hook) -> None:
    gone = Target()
    with socket.socket() as held:  # Nobody else can listen there.
        held.bind(("127.0.0.1", 0))
        gone.port = held.getsockname()[1]
        outcome = post(hook, gone)
    assert isinstance(outcome, Failure)
    assert outcome.error == f"cannot connect to 127.0.0.1 port {gone.port}: Connection refused"


def test_an_answer_before_the_whole_request_counts(hook: Hook) -> None:
    """A server may refuse a large body from its head alone."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def refuse() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n")
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65_536):
                    pass

        threading.Thread(target=refuse, daemon=True).start()
        early = Target()
        early.port = listening.getsockname()[1]
        outcome = post(hook, early, content=b"x" * 3_000_000)
    assert isinstance(outcome, Failure)
    assert outcome.error.startswith("413 ")


def test_a_message_that_is_gone_is_no_failure(hook: Hook, target: Target) -> None:
    poster = Poster(Url(Endpoint("http", "127.0.0.1", target.port, "/")), Credentials((KEY,)), None)
    assert poster("1.gone", str(hook.pending / "1.gone")) == Vanished()


def http_date(now: float) -> str:
    return formatdate(now, usegmt=True)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120.0),
        ("0", 0.0),
        (" 7 ", 7.0),
        ("9" * 400, 1e9),
        (http_date(NOW + 3600), 3600.0),
        (http_date(NOW - 3600), 0.0),
        ("Sun Nov  6 08:49:37 2094", None),
        ("-5", None),
        ("1.5", None),
        ("١٢", None),
        ("soon", None),
        ("", None),
        (None, None),
        ("Fri, 99 Foo 2026 99:99:99 GMT", None),
    ],
)
def test_retry_after_is_read_in_both_forms(text: str | None, seconds: float | None) -> None:
    found = answers.seconds(text, NOW)
    if text and "2094" in text:  # asctime, an old form of the date
        assert found is None or found > 0
    else:
        assert found == seconds


@pytest.mark.parametrize("after", ["30", http_date(NOW + 30)])
def test_retry_after_is_heeded(hook: Hook, target: Target, after: str) -> None:
    target.answer = status("503 Service Unavailable", f"Retry-After: {after}")
    outcome = post(hook, target)
    assert isinstance(outcome, Failure)
    assert outcome.error == f"503 {http.client.responses[503]}"
    assert outcome.retry_after == 30.0


def test_the_raw_form_is_what_the_relay_ingress_of_action_mailbox_takes(hook: Hook, target: Target) -> None:
    """POST of the message as it is, as message/rfc822, with HTTP Basic."""
    content = b"Subject: \xff\r\n\r\nas it is \0\r\n" + bytes(range(256)) * 4000
    assert post(hook, target, content=content) == Delivered("204")
    (request,) = target.requests
    assert request.line == "POST /mail HTTP/1.1"
    assert request.headers["content-type"] == "message/rfc822"
    assert request.headers["authorization"] == "Basic YWN0aW9ubWFpbGJveDpzM2NyZXQ="
    assert request.headers["host"] == f"127.0.0.1:{target.port}"
    (path,) = hook.pending.iterdir()
    assert request.body == path.read_bytes()
    assert request.body.endswith(content)
