"""The replies to commands, on a real connection to a real `letterbox serve`."""

from __future__ import annotations

import socket

import pytest

from tests.receiver.server import Server
from tests.receiver.wire import Client


def test_ehlo_offers_exactly_the_extensions(server: Server) -> None:
    with Client(server.port) as client:
        client.expect("220 mx.example.test ESMTP")
        offers = client.ask("EHLO x", 250).splitlines()
    assert [offer[4:] for offer in offers] == [
        "mx.example.test", "PIPELINING", "SIZE 1000000", "8BITMIME", "SMTPUTF8",
        "ENHANCEDSTATUSCODES", "CHUNKING", "STARTTLS",
    ]  # fmt: skip


def test_pipelined_commands_are_answered_in_order_in_one_piece(server: Server) -> None:
    with Client(server.port) as client:
        client.expect(220)
        client.send(
            b"EHLO x\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<nobody@example.test>\r\n"
            b"RCPT TO:<alice@example.test>\r\nRCPT TO:<alice@elsewhere.test>\r\n"
            b"RCPT TO:<>\r\nNOOP\r\nRSET\r\nDATA\r\nVRFY alice\r\nQUIT\r\n"
        )
        client.expect(250, "250 2.1.0", "550 5.1.1", "250 2.1.5", "550 5.7.1", "553 5.1.3")
        client.expect("250 2.0.0", "250 2.0.0", "503 5.5.1", "252 2.", "221 2.0.0")


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("MAIL FROM:<a@b.test>", "503 5.5.1"),
        ("RCPT TO:<alice@example.test>", "503 5.5.1"),
        ("DATA", "503 5.5.1"),
        ("EHLO", "501 5.5.4"),
        ("HELO", "501 5.5.4"),
        ("NOOP anything", "250 2.0.0"),
        ("noop", "250 2.0.0"),
        ("RSET", "250 2.0.0"),
        ("RSET x", "501 5.5.4"),
        ("QUIT x", "501 5.5.4"),
        ("HELP", "214 2.0.0"),
        ("VRFY alice", "252 2."),
        ("EXPN team", "502 5.5.1"),
        ("AUTH PLAIN AHgAeA==", "502 5.5.1"),
        ("STARTTLS x", "501 5.5.4"),
        ("BDAT x", "501 5.5.4"),
        ("GET / HTTP/1.1", "500 5.5.1"),
        ("", "500 5.5.1"),
        ("__init__", "500 5.5.1"),
        ("ü", "500 5.5.1"),
    ],
)
def test_before_ehlo_a_command_gets_its_reply(server: Server, said: str, code: str) -> None:
    with server.client(helo=None) as client:
        client.ask(said, code)


@pytest.mark.parametrize(
    ("argument", "code"),
    [
        ("<>", "250 2.1.0"),
        ("<a@b.test> AUTH=<> RET=HDRS ENVID=x", "250 2.1.0"),
        ("<a@b.test> SIZE=1000000 BODY=7BIT", "250 2.1.0"),
        ("<a@b.test> SIZE=1000001", "552 5.3.4"),
        ("<a@b.test> SIZE=99999999999999999999999", "552 5.3.4"),
        ("<a@b.test> SIZE=-1", "501 5.5.4"),
        ("<a@b.test> BODY=BINARYMIME", "501 5.5.4"),
        ("<a@b.test> NONSENSE=1", "555 5.5.4"),
        ("<ü@b.test>", "553 5.6.7"),
        ("<ü@b.test> SMTPUTF8", "250 2.1.0"),
        ("<root>", "553 5.1.7"),
        ("<", "501 5.1.3"),
        ("<a\x00@b.test>", "500 5.5.2"),
        ("<a\r@b.test>", "500 5.5.2"),
        ("<" + "a" * 5000 + "@b.test>", "500 5.5.2"),
    ],
)
def test_mail_gets_its_reply(server: Server, argument: str, code: str) -> None:
    with server.client() as client:
        client.ask(f"MAIL FROM:{argument}", code)
        client.ask("NOOP", 250)


@pytest.mark.parametrize(
    ("argument", "code"),
    [
        ("<alice@example.test> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;alice@example.test", "250 2.1.5"),
        (" <alice@example.test>", "250 2.1.5"),
        ("<ALICE+tag@EXAMPLE.TEST>", "250 2.1.5"),
        ("<postmaster>", "250 2.1.5"),
        ("<postmaster@[127.0.0.1]>", "250 2.1.5"),
        ("<any@xn--bcher-kva.example>", "250 2.1.5"),
        ("<any@bücher.example>", "553 5.6.7"),
        ("<nobody@example.test>", "550 5.1.1"),
        ("<alice@elsewhere.test>", "550 5.7.1"),
        ("<alice%elsewhere.test@example.test>", "550 5.1.1"),
        ('<"alice@elsewhere.test"@example.test>', "550 5.1.1"),
        ("<alice@example.test> NONSENSE", "555 5.5.4"),
    ],
)
def test_rcpt_gets_its_reply(server: Server, argument: str, code: str) -> None:
    with server.client() as client:
        client.ask("MAIL FROM:<a@b.test>", 250)
        client.ask(f"RCPT TO:{argument}", code)


def test_too_many_recipients_get_452(server: Server) -> None:
    with server.client() as client:
        client.ask("MAIL FROM:<a@b.test>", 250)
        for _ in range(10):
            client.ask("RCPT TO:<alice@example.test>", 250)
        client.ask("RCPT TO:<bob@example.test>", "452 4.5.3")


def test_no_valid_recipient_means_no_data(server: Server) -> None:
    with server.client() as client:
        client.send(b"MAIL FROM:<a@b.test>\r\nRCPT TO:<nobody@example.test>\r\nDATA\r\nNOOP\r\n")
        client.expect(250, 550, "554 5.5.1", 250)


def test_a_sender_that_closes_its_half_gets_all_its_replies(server: Server) -> None:
    with Client(server.port) as client:
        client.expect(220)
        client.send(b"EHLO x\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<alice@example.test>\r\nDATA\r\n")
        client.send(b"Subject: half closed\r\n\r\n" + b"x" * 300_000 + b"\r\n")
        client.send(b"y\r\n" * 50_000 + b".\r\n")
        client.socket.shutdown(socket.SHUT_WR)
        client.expect(250, 250, 250, 354, "554 5.6.0")
        assert client.closed()
