"""Messages that are sent over a real connection to a real `letterbox serve` arrive as they were sent."""

from __future__ import annotations

import re
from collections.abc import Callable

from tests.receiver.server import Server
from tests.receiver.wire import content_of

GMAIL = (
    "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\r\n"
    "        d=gmail.com; s=20230601; t=1763820785; x=1764425585; darn=example.test;\r\n"
    "        h=to:subject:message-id:date:from:mime-version:from:to:cc;\r\n"
    "        bh=0KQq2w==;\r\n        b=Zm9v+/=\r\n"
    "X-Google-DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed\r\n"
    "MIME-Version: 1.0\r\n"
    "From: =?UTF-8?Q?J=C3=BCrgen?= <stranger@sender.test>\r\n"
    "Date: Sun, 22 Nov 2026 15:13:05 +0100\r\n"
    "Message-ID: <CA+x=y@mail.gmail.com>\r\n"
    "Subject: =?UTF-8?B?R3LDvMOfZSDwn5OsIGF1cyBk?=\r\n =?UTF-8?Q?em_Norden?=\r\n"
    "To: alice@example.test\r\n"
    'Content-Type: multipart/alternative; boundary="000000000000abc"\r\n\r\n'
    "--000000000000abc\r\nContent-Type: text/plain; charset=UTF-8\r\n"
    "Content-Transfer-Encoding: 8bit\r\n\r\n.Grüße\r\n..\r\n. \r\n\r\n"
    "--000000000000abc\r\nContent-Type: text/html; charset=UTF-8\r\n\r\n<p>" + "ü" * 900 + "</p>\r\n"
    "--000000000000abc--\r\n"
).encode()  # fmt: skip


def stuffed(message: bytes) -> bytes:
    return (b"\r\n" + message).replace(b"\r\n.", b"\r\n..")[2:] + b".\r\n"


def stored(server: Server, marker: bytes, mailbox: str = "alice@example.test") -> list[bytes]:
    return [message for message in server.messages(mailbox) if marker in message]


def test_a_message_as_gmail_sends_it_arrives_byte_for_byte(server: Server) -> None:
    with server.client("mail-wr1-f41.google.com") as client:
        client.say(f"MAIL FROM:<stranger@sender.test> SIZE={len(GMAIL)} BODY=8BITMIME")
        client.say("RCPT TO:<alice@example.test>")
        client.say("DATA")
        client.expect("250 2.1.0", "250 2.1.5", 354)
        client.send(stuffed(GMAIL) + b"QUIT\r\n")
        identity = client.expect("250 2.0.0").split()[-1]
        client.expect("221 2.0.0")
        assert client.closed()
    (message,) = stored(server, identity.encode())
    assert content_of(message) == GMAIL
    trace = message[: -len(GMAIL)].decode()
    assert trace.startswith(
        "Return-Path: <stranger@sender.test>\r\nDelivered-To: alice@example.test\r\n"
        "Received: from mail-wr1-f41.google.com ([127.0.0.1])\r\n\tby mx.example.test "
    )
    assert f"with ESMTP\r\n\tid {identity}\r\n\tfor <alice@example.test>;" in trace
    assert re.search(r";\r\n\t\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d \+0000\r\n$", trace)
    line = server.wait_for_log(rf"event=received id={identity} .*")[0]
    assert "from=<stranger@sender.test> to=<alice@example.test>" in line
    assert f" size={len(GMAIL)} peer=127.0.0.1 tls=none seconds=" in line


def test_the_log_says_that_mail_came_and_not_what_it_says(server: Server) -> None:
    with server.client() as client:
        client.begin()
        client.send(b"From: Bank <a@b.test>\r\nSubject: Your code is 482913\r\nDate: today\r\n\r\nx\r\n.\r\n")
        identity = client.expect("250 2.0.0").split()[-1]
        client.begin()
        client.send(b"From: Bank <a@b.test>\r\nSubject: 482913\r\nDate: today\r\n\r\nbare\rx\r\n.\r\n")
        client.expect("554 5.5.2")
    for line in (rf"event=received id={identity} .*", r"event=refused id=.* reason=\"554 5.5.2 .*"):
        keys = re.findall(r" ([a-z_]+)=", server.wait_for_log(line)[0])
        assert set(keys) <= {"id", "from", "to", "size", "peer", "tls", "seconds", "reason"}
    assert "482913" not in server.log


def test_the_log_has_header_fields_if_the_configuration_asks_for_them(serve: Callable[..., Server]) -> None:
    server = serve(log_headers=True)
    with server.client() as client:
        client.begin()
        client.send(stuffed(GMAIL))
        client.expect("250 2.0.0")
    line = server.wait_for_log("event=received .*")[0]
    assert 'header_from="Jürgen <stranger@sender.test>" subject="Grüße 📬 aus dem Norden"' in line
    assert 'date="Sun, 22 Nov 2026 15:13:05 +0100"' in line


def test_no_copy_of_several_messages_shows_another_recipient(server: Server) -> None:
    with server.client() as client:
        for number in range(3):
            client.begin("alice@example.test", "sales@example.test", "team+x@example.test")
            client.send(b"Subject: several %d\r\n\r\nbody\r\n.\r\n" % number)
            client.expect("250 2.0.0")
    for mailbox, other in (("alice@example.test", b"bob"), ("bob@example.test", b"alice")):
        messages = stored(server, b"Subject: several", mailbox)
        assert len(messages) == 3
        for message in messages:
            assert content_of(message).startswith(b"Subject: several")
            assert not any(word in message for word in (other, b"sales", b"team", b"for <"))


def test_utf8_addresses_are_taken_with_smtputf8_in_both_forms_of_the_domain(server: Server) -> None:
    with server.client() as client:
        client.ask("MAIL FROM:<jürgen@bücher.test> SMTPUTF8", 250)
        client.ask("RCPT TO:<käthe@BÜCHER.example>", "250 2.1.5")
        client.ask("DATA", 354)
        client.send(b"Subject: utf8\r\n\r\n.\r\n")
        client.expect("250 2.0.0")
    (message,) = stored(server, b"Subject: utf8", "carol@xn--bcher-kva.example")
    assert message.startswith(
        "Return-Path: <jürgen@bücher.test>\r\nDelivered-To: käthe@bücher.example\r\n".encode()
    )
    assert b"with UTF8SMTP" in message


def test_helo_speaks_plain_smtp(server: Server) -> None:
    with server.client(helo=None) as client:
        client.ask("HELO old.test", "250 mx.example.test")
        client.begin()
        client.send(b"Subject: helo\r\n\r\n.\r\n")
        client.expect("250 2.0.0")
    (message,) = stored(server, b"Subject: helo")
    assert b"with SMTP\r\n" in message


def test_a_message_over_the_size_is_read_to_its_end_and_refused(server: Server) -> None:
    with server.client() as client:
        client.begin()
        client.send(
            b"Subject: oversize\r\n\r\n"
            + b"x" * 98 * 11_000
            + b"\r\nMAIL FROM:<x@y.test>\r\n"
            + b"y\r\n.\r\n"
        )
        client.expect("552 5.3.4")
        client.ask("NOOP", 250)
        client.begin()
        client.send(b"Subject: after oversize\r\n\r\n.\r\n")
        client.expect("250 2.0.0")
    assert not stored(server, b"Subject: oversize")
    assert stored(server, b"Subject: after oversize")
    assert not server.messages(part="tmp")


def test_a_looping_message_is_refused(server: Server) -> None:
    with server.client() as client:
        client.begin()
        client.send(b"Received: from x\r\n by y\r\n" * 101 + b"Subject: loop\r\n\r\n.\r\n")
        client.expect("554 5.4.6")
        client.begin()
        client.send(b"Received: from x\r\n" * 100 + b"Subject: no loop\r\n\r\nReceived: x\r\n.\r\n")
        client.expect("250 2.0.0")


def test_an_empty_message_and_one_without_headers_are_stored(server: Server) -> None:
    before = len(server.messages("bob@example.test"))
    with server.client() as client:
        for content in (b".\r\n", b"\r\n.\r\n", b"no header\r\n.\r\n"):
            client.begin("bob@example.test")
            client.send(content)
            client.expect("250 2.0.0")
    contents = [content_of(each) for each in server.messages("bob@example.test")]
    assert len(contents) == before + 3
    assert {b"", b"\r\n", b"no header\r\n"} <= set(contents)


def test_no_sender_can_forge_a_line_of_the_log(serve: Callable[..., Server]) -> None:
    server = serve(log_headers=True)
    with server.client("x\x1b[2J") as client:
        client.begin(sender='<"a\\"b"@c.test>')
        client.send(b"Subject: =?utf-8?q?forged=0Aevent=3Dreceived_id=3Dfake?=\r\n\r\n.\r\n")
        identity = client.expect("250 2.0.0").split()[-1]
    line = server.wait_for_log(rf"event=received id={identity} .*")[0]
    assert r'subject="forged\u000aevent=received id=fake"' in line
    assert "\nevent=received id=fake" not in server.log
    (message,) = stored(server, identity.encode())
    assert b"from x?[2J ([127.0.0.1])" in message
