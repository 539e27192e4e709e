"""Mail to a real `letterbox serve` that asks a spam filter: what is stored, what is refused, and when."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.receiver.server import Server
from tests.receiver.spam_filter.stand_in import (
    Behaviour,
    answer,
    replying,
    request_on,
    result,
    rspamd,
    silent,
)
from tests.receiver.wire import content_of

Serve = Callable[..., Server]

SMALL = b"From: <stranger@sender.test>\r\nX-Spa: 1\r\n\r\nHello\r\n"
LARGE = SMALL + b"0123456789abcdef\r\n" * 20_000
MIB = 1 << 20
SPAM = replying(result(answer("add header", "7.24")))
HAM = replying(result(answer("no action", "1")))
REJECTED = replying(result(answer("reject", "21")))
FIELD = b"X-Spam: Yes, score=7.2, required=6.0\r\n"


def send(server: Server, message: bytes, *recipients: str, code: int | str = "250 2.0.0") -> str:
    with server.client() as client:
        client.begin(*recipients)
        client.send(message + b".\r\n")
        return client.expect(code)


@contextmanager
def recorded(path: Path, behave: Behaviour) -> Iterator[list[tuple[bytes, bytes]]]:
    """The stand-in for rspamd, and the requests that it has got."""
    requests: list[tuple[bytes, bytes]] = []

    def record(connection: socket.socket) -> None:
        requests.append(request_on(connection))
        behave(connection)

    with rspamd(path, record):
        yield requests


def replying_only(octets: bytes) -> Behaviour:
    return lambda connection: connection.sendall(octets)


def below(message: bytes, *names: bytes) -> bytes:
    """A stored message without these fields at its top."""
    for name in names:
        assert message.startswith(name + b":"), (name, message[:300])
        message = re.sub(rb"\A[^\r]*\r\n(?:[ \t][^\r]*\r\n)*", b"", message, count=1)
    return message


@pytest.mark.parametrize("message", [SMALL, LARGE])
@pytest.mark.parametrize("checks", [False, True])
def test_spam_is_marked_and_else_stored_as_it_came(
    serve: Serve, tmp_path: Path, message: bytes, checks: bool
) -> None:
    path = tmp_path / "rspamd"
    server = serve(spam_filter=path, resolver=tmp_path / "nothing" if checks else None)
    with rspamd(path, SPAM):
        send(server, message, "alice@example.test", "bob@example.test")
    for mailbox in ("alice@example.test", "bob@example.test"):
        (stored,) = server.messages(mailbox)
        rest = below(stored, b"Return-Path", b"Delivered-To")
        assert rest.startswith(FIELD)
        above = [b"X-Spam", *([b"Authentication-Results"] if checks else []), b"Received"]
        assert below(rest, *above) == message
    server.wait_for_log(r"event=received .* spam=yes spam_score=7\.2 spam_seconds=\d+\.\d\d\d\n")


@pytest.mark.parametrize("message", [SMALL, LARGE])
def test_other_mail_gets_no_field(serve: Serve, tmp_path: Path, message: bytes) -> None:
    server = serve(spam_filter=tmp_path / "rspamd")
    with rspamd(tmp_path / "rspamd", HAM):
        send(server, message)
    (stored,) = server.messages()
    assert content_of(stored) == message
    server.wait_for_log(r"event=received .* spam=no spam_score=1\.0 ")


@pytest.mark.parametrize("message", [SMALL, LARGE])
@pytest.mark.parametrize("checks", [False, True])
def test_rspamd_sees_what_is_stored(serve: Serve, tmp_path: Path, message: bytes, checks: bool) -> None:
    server = serve(spam_filter=tmp_path / "rspamd", resolver=tmp_path / "nothing" if checks else None)
    ham = replying_only(result(answer()))
    with recorded(tmp_path / "rspamd", ham) as requests:
        send(server, message.replace(b"X-Spa:", b"X-Spam:"))
    ((head, seen),) = requests
    (stored,) = server.messages()
    stored = below(stored, b"Return-Path", b"Delivered-To")
    if len(message) > len(SMALL):  # The top of a large message is filled up by a comment.
        assert re.sub(rb"\r\n\t\(-[-\r\n\t]*-\)(?=\r\n)", b"", stored, count=1) == seen
    else:
        assert stored == seen
    assert b"\r\nIP: 127.0.0.1\r\nHelo: client.test\r\nFrom: <stranger@sender.test>\r\n" in head
    assert head.endswith(b"\r\nRcpt: <alice@example.test>")


def test_a_filter_that_may_refuse_does_and_stores_nothing(serve: Serve, tmp_path: Path) -> None:
    server = serve(spam_filter=tmp_path / "rspamd", refuses_spam=True)
    with rspamd(tmp_path / "rspamd", REJECTED):
        for message in (SMALL, LARGE):
            send(server, message, code="554 5.7.1 Message refused: our spam filter takes it for spam")
    server.wait_for_empty_tmp()
    assert server.messages() == []
    server.wait_for_log(r'event=refused .* reason="554 5\.7\.1 .* spam=yes spam_score=21\.0')
    with rspamd(tmp_path / "rspamd", SPAM):
        send(server, SMALL)
    assert FIELD in server.messages()[0]


def test_a_filter_that_may_only_mark_refuses_nothing(serve: Serve, tmp_path: Path) -> None:
    server = serve(spam_filter=tmp_path / "rspamd")
    with rspamd(tmp_path / "rspamd", REJECTED):
        send(server, SMALL)
    assert b"X-Spam: Yes, score=21.0, required=6.0\r\n" in server.messages()[0]


@pytest.mark.parametrize("message", [SMALL, LARGE])
def test_a_stopped_filter_costs_no_mail_and_no_time(serve: Serve, tmp_path: Path, message: bytes) -> None:
    server = serve(spam_filter=tmp_path / "rspamd", refuses_spam=True)
    send(server, message)
    (stored,) = server.messages()
    assert content_of(stored) == message
    line = server.wait_for_log(r"event=received .*")[0]
    assert f'spam=unknown spam_reason="{tmp_path}/rspamd: No such file or directory"' in line
    seconds = re.search(r"spam_seconds=(\S+)", line)
    assert seconds is not None
    assert float(seconds[1]) < 9, "it was not waited for, which takes 10 s"


def test_a_silent_filter_holds_mail_up_for_ten_seconds_and_nobody_else(serve: Serve, tmp_path: Path) -> None:
    server = serve(spam_filter=tmp_path / "rspamd")
    with rspamd(tmp_path / "rspamd", silent), server.client() as client, server.client() as other:
        client.begin()
        began = time.monotonic()
        client.send(SMALL + b".\r\n")
        other.ask("NOOP", 250)
        assert time.monotonic() - began < 9
        client.expect("250 2.0.0")
        assert time.monotonic() - began >= 10
    (stored,) = server.messages()
    assert content_of(stored) == SMALL
    line = server.wait_for_log(r'spam=unknown spam_reason="no answer within 10 s" spam_seconds=(\S+)\n')
    assert float(line[1]) > 9.9  # a timer counts in whole milliseconds, and may be early


@pytest.mark.parametrize("checks", [False, True])
def test_what_a_sender_writes_in_our_name_is_taken_out(serve: Serve, tmp_path: Path, checks: bool) -> None:
    head = b"Subject: a\r\nX-Spam: No\r\nX-Spam-Status: No,\r\n\tscore=-5\r\nTo: b\r\n\r\n"
    server = serve(spam_filter=tmp_path / "rspamd", resolver=tmp_path / "nothing" if checks else None)
    with rspamd(tmp_path / "rspamd", HAM):
        send(server, head + b"X-Spam: in the body\r\n")
    (stored,) = server.messages()
    assert stored.endswith(b"\r\nSubject: a\r\nTo: b\r\n\r\nX-Spam: in the body\r\n")
    server.wait_for_log(r"event=received .* spam_fields=2")


def test_without_a_filter_such_fields_stay(serve: Serve) -> None:
    server = serve()
    send(server, b"X-Spam: No\r\n\r\nHello\r\n")
    assert content_of(server.messages()[0]) == b"X-Spam: No\r\n\r\nHello\r\n"
    assert "spam" not in server.log_to_the_end()


def test_a_chunk_may_end_inside_of_a_field_in_our_name(serve: Serve, tmp_path: Path) -> None:
    server = serve(spam_filter=tmp_path / "rspamd")
    with rspamd(tmp_path / "rspamd", HAM), server.client() as client:
        client.ask("MAIL FROM:<>", 250)
        client.ask("RCPT TO:<alice@example.test>", 250)
        for octet in b"X-Spam: Yes\r\nTo: b\r\n":
            client.send(b"BDAT 1\r\n" + bytes([octet]))
            client.expect(250)
        client.ask("BDAT 0 LAST", 250)
    assert content_of(server.messages()[0]) == b"To: b\r\n"


def test_large_messages_are_handed_on_in_constant_memory(serve: Serve, tmp_path: Path) -> None:
    server = serve(spam_filter=tmp_path / "rspamd")
    message = SMALL + b"0123456789abcdef\r\n" * 1_000_000
    with rspamd(tmp_path / "rspamd", HAM):
        send(server, LARGE)
        before = server.peak_memory()
        clients = [server.client() for _ in range(8)]
        for client in clients:
            client.begin()
        for client in clients:
            client.send(message + b".\r\n")
        for client in clients:
            client.expect("250 2.0.0")
            client.close()
    assert server.peak_memory() - before < 24 * MIB  # of 140 MiB
