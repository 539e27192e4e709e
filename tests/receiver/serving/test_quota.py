"""Mailboxes with a quota: what a sender is told by a real receiver."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.receiver.processes import wait_until
from tests.receiver.server import DOMAINS, Server
from tests.receiver.wire import Client

FULL = "452 4.2.2 <alice@example.test>: mailbox full, try again later"


@pytest.fixture
def mail(tmp_path: Path) -> Path:
    """A mail folder in which alice has 3000 octets of mail."""
    new = tmp_path / "mail" / "example.test" / "alice" / "new"
    new.mkdir(parents=True)
    (new / f"{int(time.time())}.M1P1Q1.mx").write_bytes(b"x" * 3000)
    return tmp_path / "mail"


def quota(octets: int) -> str:
    return f'{DOMAINS}\n[quota]\n"alice@example.test" = {octets}\n'


def rcpt(server: Server, mailbox: str = "alice", size: int = 0) -> str:
    """What a new sender is told of this recipient."""
    client = server.client()
    client.say("MAIL FROM:<zoe@sender.test>" + (f" SIZE={size}" if size else ""))
    client.expect(250)
    client.say(f"RCPT TO:<{mailbox}@example.test>")
    reply = client.reply().strip()
    client.socket.close()
    return reply


def begin(server: Server, *mailboxes: str) -> Client:
    client = server.client()
    client.say("MAIL FROM:<zoe@sender.test>")
    client.expect(250)
    for mailbox in mailboxes:
        client.say(f"RCPT TO:<{mailbox}@example.test>")
        client.expect(250)
    client.say("DATA")
    client.expect(354)
    return client


def test_a_full_mailbox_is_told_before_data_and_the_others_get_the_message(
    serve: Callable[..., Server], mail: Path
) -> None:
    server = serve(mail=mail, domains=quota(3000))
    wait_until(lambda: rcpt(server) == FULL, "alice's mail is counted")
    assert rcpt(server, "team").startswith("452 4.2.2 "), "alice is behind this alias"
    client = server.client()
    two = b"RCPT TO:<alice@example.test>\r\nRCPT TO:<bob@example.test>\r\n"
    client.send(b"MAIL FROM:<zoe@sender.test>\r\n" + two + b"DATA\r\n")
    assert [client.reply()[:9] for _ in range(4)] == ["250 2.1.0", "452 4.2.2", "250 2.1.5", "354 Send "]
    client.send(b"Subject: x\r\n\r\nx\r\n.\r\n")
    client.expect(250)
    for box in ("alice", "bob"):
        assert len([*(mail / "example.test" / box / "new").iterdir()]) == 1, box
    client.send(b"MAIL FROM:<zoe@sender.test>\r\nRCPT TO:<alice@example.test>\r\nDATA\r\n")
    assert [client.reply()[:9] for _ in range(3)] == ["250 2.1.0", "452 4.2.2", "452 4.2.2"]
    server.wait_for_log(r"event=refused .*to=<alice@example.test> .*452 4\.2\.2")


def test_a_message_that_declares_more_than_there_is_room_for_is_deferred(
    serve: Callable[..., Server], mail: Path
) -> None:
    server = serve(mail=mail, domains=quota(10_000))
    wait_until(lambda: rcpt(server, size=7001) == FULL, "alice's mail is counted")
    assert rcpt(server, size=7000).startswith("250 ")
    assert rcpt(server, "bob", size=20_000_000).startswith("250 "), "bob has no quota"
    assert rcpt(server).startswith("250 ")


def test_a_message_that_is_not_ended_keeps_nobody_out_and_is_deferred_if_the_mailbox_is_full_at_its_end(
    serve: Callable[..., Server], mail: Path
) -> None:
    server = serve(mail=mail, domains=quota(10_000), workers=2)
    wait_until(lambda: rcpt(server, size=7001) == FULL, "alice's mail is counted")
    large = b"Subject: x\r\n\r\n" + (b"x" * 98 + b"\r\n") * 70
    slow = begin(server, "alice")
    slow.send(large)
    assert [rcpt(server, size=7000)[:3] for _ in range(6)] == ["250"] * 6
    client = begin(server, "alice", "bob")
    client.send(large + b".\r\n")
    client.expect(250)
    assert [rcpt(server) for _ in range(6)] == [FULL] * 6
    slow.send(b".\r\n")
    assert slow.reply().startswith("452 4.2.2 ")
    assert len([*(mail / "example.test" / "alice" / "new").iterdir()]) == 2


def test_a_mailbox_that_cannot_be_counted_takes_mail_and_the_log_says_so(
    serve: Callable[..., Server], mail: Path, tmp_path: Path
) -> None:
    alice = mail / "example.test" / "alice"
    alice.rename(tmp_path / "elsewhere")
    alice.symlink_to(tmp_path / "elsewhere")
    server = serve(mail=mail, domains=quota(1))
    server.wait_for_log(r"event=error quota=alice@example.test .*no folder of its own")
    assert rcpt(server).startswith("250 ")
