"""What of a stored file is hashed: the same as the receiver hashes when the message arrives."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from receiver.bucket.keys import Below
from receiver.transfer import mail_file
from receiver.transfer.mail_file import MailFile
from tests.receiver.server import Server
from tests.receiver.spam_filter.stand_in import answer, replying, result, rspamd

SPAM = replying(result(answer("add header", "7.24")))
HAM = replying(result(answer("no action", "1")))
HEAD = b"From: <stranger@sender.test>\r\nMessage-ID: <1@sender.test>\r\n\r\n"
CONTENTS = {
    "small": HEAD + b"Hello\r\n",
    "spilled": HEAD + b"0123456789abcdef\r\n" * 20_000,
    "a first line that continues our field": b" folded\r\n" + HEAD + b"Hello\r\n",
    "a first line like what fills a slot": b"\t(----------------------------------------)\r\n" + HEAD,
    "a first field like ours": b"Received: from x\r\n\tby mx (Letterbox) with SMTP\r\n" + HEAD,
    "no Message-ID": b"From: <stranger@sender.test>\r\n\r\nHello\r\n",
    "no header section": b"\r\nMessage-ID: <1@sender.test>\r\n",
}


def read(path: Path, name: str = "") -> MailFile:
    fd = os.open(path, os.O_RDONLY)
    try:
        is_read_only = not path.stat().st_mode & 0o222
        return mail_file.read(
            mail_file.content(fd), name or path.name, "mx9.example.test", lambda: 1_790_000_000.0,
            is_read_only=is_read_only,
        )  # fmt: skip
    finally:
        os.close(fd)


def tail(fields: bytes, content: bytes, name: str) -> str:
    below = Below()
    for at in range(0, len(content), 1000):
        below.add(content[at : at + 1000])
    return below.tail(fields, name)


@pytest.mark.parametrize("filtered", [None, HAM, SPAM], ids=["no filter", "ham", "spam"])
@pytest.mark.parametrize("checks", [False, True], ids=["no checks", "checks"])
def test_a_stored_file_has_the_tail_that_the_receiver_makes(
    serve: Callable[..., Server], tmp_path: Path, silent_resolver: Path, checks: bool, filtered: object
) -> None:
    socket = tmp_path / "rspamd"
    with rspamd(socket, filtered or HAM):  # type: ignore[arg-type]
        server = serve(
            spam_filter=socket if filtered else None, resolver=silent_resolver if checks else None, deadline=1
        )
        for what, content in list(CONTENTS.items())[: 3 if checks else None]:
            with server.client() as client:
                client.begin("alice@example.test")
                client.send(content + b".\r\n")
                client.expect(250)
            (path,) = (server.mail / "example.test/alice/new").iterdir()
            octets = path.read_bytes()
            assert octets.endswith(content), what
            fields = b"Return-Path: <stranger@sender.test>\r\nDelivered-To: alice@example.test\r\n"
            found = read(path)
            assert found.is_ours, what
            assert found.fields == fields, what
            assert found.fields + octets[len(fields) :][: found.trace] + content == octets, what
            assert found.tail == tail(fields, content, path.name), what
            assert found.tail.startswith("H" if b"\r\nMessage-ID" in content and content[0] != 13 else "M"), (
                what
            )
            assert found.name == path.name, what
            path.unlink()


def test_a_file_that_a_client_renamed_keeps_its_tail_and_gets_its_name_back(
    serve: Callable[..., Server], tmp_path: Path
) -> None:
    server = serve()
    with server.client() as client:
        client.begin("alice@example.test")
        client.send(CONTENTS["no Message-ID"] + b".\r\n")
        client.expect(250)
    (path,) = (server.mail / "example.test/alice/new").iterdir()
    before = read(path)
    renamed = path.rename(path.with_name("1795638601.M443342P23500.vm,W=3152:2,S"))
    found = read(renamed)
    assert (found.tail, found.fields, found.trace) == (before.tail, before.fields, before.trace)
    assert found.name == f"1790000000.{before.tail}.mx9.example.test"
    assert found.is_ours


def test_nothing_is_believed_of_a_file_that_the_receiver_did_not_write(
    serve: Callable[..., Server], tmp_path: Path
) -> None:
    server = serve()
    with server.client() as client:
        client.begin("alice@example.test")
        client.send(CONTENTS["small"] + b".\r\n")
        client.expect(250)
    (path,) = (server.mail / "example.test/alice/new").iterdir()
    octets, theirs = path.read_bytes(), read(path)
    forged = tmp_path / "1795638601.M443342P23500.vm,W=3152:2,S"
    forged.write_bytes(octets)  # A client appended it. It can be written to.
    for name in (forged.name, "1795638601.M000001P1Q1Rabcdef01.mx.example.test"):
        found = read(forged, name)
        assert (found.fields, found.trace, found.sender, found.is_ours) == (b"", 0, "unknown", False)
        assert found.tail == tail(b"", octets, found.name) != theirs.tail
        assert found.name.split(".")[1].startswith("I")
        assert read(forged, found.name).name == found.name
        assert not mail_file.problem(found.tail, found.name, memoryview(octets))


def test_an_object_must_be_what_its_key_and_its_name_say(serve: Callable[..., Server]) -> None:
    server = serve()
    with server.client() as client:
        client.begin("alice@example.test")
        client.send(CONTENTS["small"] + b".\r\n")
        client.expect(250)
    (path,) = (server.mail / "example.test/alice/new").iterdir()
    octets, good = path.read_bytes(), read(path)
    assert not mail_file.problem(good.tail, good.name, memoryview(octets))
    other = good.name.replace("Q1R", "Q2R")
    changed = octets.replace(b"Hello", b"Hullo")
    for tail_, name, content in (
        (good.tail, good.name, changed),
        (good.tail, good.name, b""),
        ("H" + "0" * 40, good.name, octets),
        (good.tail, other, octets),
        (good.tail, f"../{good.name}", octets),
        (good.tail, f"{good.name}/../../x", octets),
        (good.tail, f"{good.name}:2,S", octets),
        (good.tail, f"{good.name}\n", octets),
        (good.tail, "", octets),
        (good.tail, ".hidden", octets),
        (good.tail, good.name + "x" * 200, octets),
        (good.tail, f"1795638601.I{'0' * 32}Q1R00000000.mx.example.test", octets),
    ):
        assert mail_file.problem(tail_, name, memoryview(content)), name


@pytest.mark.parametrize("dashes", [58, 59, 60])
def test_a_line_of_the_sender_that_looks_like_a_comment_of_ours_hides_no_message(
    serve: Callable[..., Server], dashes: int
) -> None:
    content = b"\t(" + b"-" * dashes + b")\r\n" + HEAD + b"Hello\r\n"
    server = serve()
    with server.client() as client:
        client.begin("alice@example.test")
        client.send(content + b".\r\n")
        client.expect(250)
    (path,) = (server.mail / "example.test/alice/new").iterdir()
    of_the_receiver = tail(read(path).fields, content, path.name)
    assert not mail_file.problem(of_the_receiver, path.name, memoryview(path.read_bytes()))
