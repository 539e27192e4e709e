"""Mail from a stranger's real mail server, which finds the host by itself. Only in the lab."""

from __future__ import annotations

import uuid

import pytest

from provision.host import layout
from tests.waiting import wait_until

GMAIL = """\
DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;
        d=gmail.com; s=20230601; t=1795359600; x=1795964400; darn=example.test;
        h=to:subject:message-id:date:from:mime-version:from:to:cc:subject
         :date:message-id:reply-to;
        bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=;
        b=Qm9ndXMgc2lnbmF0dXJlLCBidXQgdGhlIHNoYXBlIGlzIHJpZ2h0IGFuZCBsb25nIGVub3Vn
         aCB0byBiZSBmb2xkZWQgb3ZlciBzZXZlcmFsIGxpbmVzIGFzIEdtYWlsIGRvZXMu
X-Google-DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;
        d=1e100.net; s=20230601; bh=x; b=y
X-Gm-Message-State: AOJu0Yw1
\tfolded with a tab
X-Received: by 2002:a05:6402:358e:b0:5d0:81af:4a43 with SMTP id
 4fb4d7f45d1cf-5d0; Sun, 22 Nov 2026 06:00:00 -0800 (PST)
MIME-Version: 1.0
From: =?UTF-8?Q?Zo=C3=AB_Stranger?= <zoe.stranger@gmail.com>
Date: Sun, 22 Nov 2026 15:00:00 +0100
Message-ID: <{mark}@mail.gmail.com>
Subject: =?UTF-8?B?R3LDvMOfZSDwn5iA?=
To: Alice <alice@example.test>
Content-Type: multipart/alternative; boundary="0000000000008f1a9c0627a1b2c3"

--0000000000008f1a9c0627a1b2c3
Content-Type: text/plain; charset="UTF-8"
Content-Transfer-Encoding: 8bit

Grüße 😀
.a line that begins with a dot
..and one with two

--0000000000008f1a9c0627a1b2c3
Content-Type: text/html; charset="UTF-8"
Content-Transfer-Encoding: quoted-printable

<div dir=3D"ltr">Gr=C3=BC=C3=9Fe =F0=9F=98=80</div>

--0000000000008f1a9c0627a1b2c3--
"""


@pytest.fixture
def world(deployed):
    if deployed is None:
        pytest.skip("only the lab has a stranger with a mail server")
    return deployed.world


def test_a_message_in_gmails_shape_arrives_byte_for_byte(world, deployed) -> None:
    mark = uuid.uuid4().hex
    message = GMAIL.replace("{mark}", mark).replace("\n", "\r\n").encode()
    world.send(message, ["alice@example.test"], sender="zoe.stranger@gmail.com")
    stored = _arrived(deployed, "alice", mark)
    trace, original = stored[: -len(message)], stored[-len(message) :]
    assert original == message
    fields = trace.decode().replace("\r\n\t", " ").replace("\r\n    ", " ").split("\r\n")
    assert fields[0] == "Return-Path: <zoe.stranger@gmail.com>"
    assert fields[1] == "Delivered-To: alice@example.test"
    # Its signature is not Gmail's.
    assert fields[2].startswith("Authentication-Results: mx1.example.test; dkim=fail ")
    assert fields[3].startswith("Received: from mail.sender.test ([")
    assert "with ESMTPS" in fields[3]
    assert "TLSv1.3" in fields[3]
    # The next hop down is the stranger's own.
    assert fields[4].startswith("Received: from stranger.sender.test")


def test_two_recipients_get_a_copy_each_that_shows_only_their_own(world, deployed) -> None:
    mark = uuid.uuid4().hex
    message = f"Message-ID: <{mark}@sender.test>\r\nSubject: to two\r\n\r\nhello\r\n".encode()
    world.send(message, ["alice@example.test", "bob@example.test"])
    for name, other in (("alice", "bob"), ("bob", "alice")):
        stored = _arrived(deployed, name, mark)
        assert f"Delivered-To: {name}@example.test\r\n".encode() in stored
        assert f"{other}@".encode() not in stored.partition(b"\r\nReceived: from stranger")[0]


def test_an_unknown_recipient_bounces_at_the_strangers_server(world, deployed) -> None:
    mark = uuid.uuid4().hex
    world.send(f"Message-ID: <{mark}@sender.test>\r\n\r\nx\r\n".encode(), ["nobody@example.test"])
    bounces = wait_until(
        lambda: [text for text in world.bounces() if mark in text], lambda: f"a bounce; {world.queue()}"
    )
    assert "550 5.1.1" in bounces[0].replace("\n    ", " ")


def test_a_restart_of_the_service_loses_no_message(world, deployed) -> None:
    marks = [uuid.uuid4().hex for _ in range(20)]
    for number, mark in enumerate(marks):
        world.send(f"Message-ID: <{mark}@sender.test>\r\n\r\nx\r\n".encode(), ["alice@example.test"])
        if number % 5 == 2:
            deployed.target.run("systemctl restart letterbox.service")
    for mark in marks:
        _arrived(deployed, "alice", mark)


def _arrived(lab, mailbox: str, mark: str) -> bytes:
    """The message with this mark, once it is there. There must be exactly one."""
    folder = f"{layout.MAIL}/example.test/{mailbox}/new"
    found = wait_until(
        lambda: lab.target.run(f"grep -rlF {mark} {folder}", check=False).stdout.split(),
        lambda: f"it arrives; {lab.world.queue()}",
    )
    assert len(found) == 1
    return lab.target.read(found[0])
