"""A 250 under `promise = "bucket"`: the bucket has each copy whole, and this host keeps nothing of it."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from receiver.bucket import keys
from receiver.bucket.client import Client as BucketClient
from receiver.hook_queue import link_name
from receiver.mailbox import Mailbox
from receiver.reading.sender.trace import TOP
from tests.bucket.gateway import Fault
from tests.bucket.seaweed import Engine
from tests.receiver.bucket.path import message, path, send
from tests.receiver.moved.crashed import Crashed
from tests.receiver.processes import wait_until
from tests.receiver.spam_filter.stand_in import answer, replying, result, rspamd
from tests.receiver.wire import Client, content_of

ALICE, BOB = "alice@example.test", "bob@example.test"
SIZES = {"small": 20, "in a memfd": 100_000, "spilled": 300_000, "large": 6_000_000}
MANY = 150
BOXES = f'[domains."example.test"]\nmailboxes = {[f"box{number}" for number in range(MANY)]}\n'


def _body(size: int) -> bytes:
    return b"\r\n".join([b"0123456789" * 9] * (size // 92 + 1))


@pytest.mark.parametrize("checks", [False, True], ids=["no checks", "checks without an answer"])
def test_each_size_arrives_whole_in_each_mailbox_and_nothing_stays_here(
    tmp_path: Path, engine: Engine, checks: bool
) -> None:
    resolver = tmp_path / "no resolver" if checks else None
    with path(tmp_path, engine, resolver=resolver, deadline=1) as way:
        assert way.server.children() == [], "no process writes mail"
        sent = {name: message(_body(size), f"{name}@sender.test") for name, size in SIZES.items()}
        replies = [send(way.server.port, content, ALICE, BOB) for content in sent.values()]
        assert all(each.startswith("250 2.0.0 Stored as M") for each in replies), replies
        found = way.objects()
        assert len(found) == 2 * len(sent)
        for mailbox in ("alice", "bob"):
            stored = [octets for key, octets in found.items() if f"/{mailbox}/" in key]
            assert {content_of(each) for each in stored} == set(sent.values())
            to = b"Return-Path: <a@sender.test>\r\nDelivered-To: %s@example.test\r\n" % mailbox.encode()
            assert all(each.startswith(to) for each in stored)
            assert all((b"\r\nAuthentication-Results: mx" in b"\r\n" + each) is checks for each in stored)
        with BucketClient(way.service.socket) as client:
            heads = [client.head(key) for key in found]
        assert {each.sender for each in heads} == {"unknown"}
        assert {reply.split()[-1] for reply in replies} == {each.name.split(".")[1] for each in heads}
        wait_until(lambda: not any(way.server.mail.glob("[!.]*/*/*/*")), "no file stays in a Maildir")
        log = way.server.log_to_the_end()
        assert log.count("event=received ") == log.count(" store=bucket") == len(sent)


@pytest.mark.parametrize("checks", [False, True], ids=["no checks", "checks"])
@pytest.mark.parametrize("is_spam", [False, True], ids=["no spam", "spam"])
def test_the_key_is_that_of_the_file_as_it_would_be_found_in_a_maildir(
    tmp_path: Path, engine: Engine, checks: bool, is_spam: bool
) -> None:
    """So `letterbox push`, which has the file alone, names no message in another way than the receiver."""
    resolver, verdict = tmp_path / "no resolver" if checks else None, "add header" if is_spam else "no action"
    with (
        rspamd(tmp_path / "rspamd", replying(result(answer(verdict)))),
        path(tmp_path, engine, resolver=resolver, deadline=1, spam_filter=tmp_path / "rspamd") as way,
    ):
        for name, size in SIZES.items():
            forged = b"X-Spam: no\r\nAuthentication-Results: mx.example.test; dmarc=pass\r\n"
            content = forged + message(_body(size), f"{name}@sender.test")
            assert send(way.server.port, content, ALICE).startswith("250")
        found = way.objects()
    assert len(found) == len(SIZES)
    for key, octets in found.items():
        ours = TOP.match(octets)
        assert ours
        assert (b"\r\nX-Spam: Yes" in ours[0]) is is_spam
        assert (b"\r\nAuthentication-Results: " in ours[0]) is checks
        below = keys.Below()
        below.add(octets[ours.end() :])
        fields = octets[: octets.index(b"\r\n", octets.index(b"\r\n") + 2) + 2]
        assert key.endswith("/" + below.tail(fields, ""))
        assert "/H" in key


def test_the_same_message_once_more_is_one_object_and_without_a_message_id_it_is_two(
    tmp_path: Path, engine: Engine
) -> None:
    with path(tmp_path, engine) as way:
        for content in (message(b"once", "once@sender.test"), message(_body(300_000), "large@sender.test")):
            for _ in range(2):
                assert send(way.server.port, content, ALICE).startswith("250")
        assert len(way.objects()) == 2
        for _ in range(2):
            assert send(way.server.port, message(b"twice"), ALICE).startswith("250")
        assert len(way.objects()) == 4


def test_a_message_for_many_mailboxes_is_in_each_once_however_often_it_is_tried(
    tmp_path: Path, engine: Engine
) -> None:
    boxes = [f"box{number}@example.test" for number in range(MANY)]
    with path(tmp_path, engine, domains=BOXES) as way:
        way.gate.at(MANY // 2, Fault.HANG)  # one copy of them all has no answer, and is tried again
        content = message(_body(1000), "all@sender.test")
        replies: list[str] = []
        while not replies or not replies[-1].startswith("250"):
            replies.append(send(way.server.port, content, *boxes))
            assert replies[-1].startswith(("250 2.0.0 Stored", "451 4.3.0")), replies
            assert len(replies) < 9, replies
        found = way.objects()
    assert sorted(str(each.mailbox) for each in map(keys.parse, found) if each) == sorted(boxes)
    assert {content_of(each) for each in found.values()} == {content}


def test_mail_that_a_crash_left_in_the_log_of_the_disk_is_recovered_at_the_start(
    tmp_path: Path, engine: Engine
) -> None:
    crashed = Crashed(tmp_path, 1)
    (kept,) = (crashed.box / "new").iterdir()
    kept.unlink()
    with path(tmp_path, engine, mail=crashed.mail) as way:
        way.server.wait_for_log("event=recovered files=2")
        (found,) = (crashed.box / "new").iterdir()
        assert content_of(found.read_bytes()) == crashed.contents[0]
        links = [each.name for each in (crashed.mail / ".bucket" / "pending").iterdir()]
        assert links == [link_name(kept.name, Mailbox("example.test", "alice"))]


def test_several_workers_need_no_writer_and_one_that_is_killed_is_replaced(
    tmp_path: Path, engine: Engine
) -> None:
    with path(tmp_path, engine, workers=2) as way:
        first, second = way.server.children()
        os.kill(first, signal.SIGKILL)
        wait_until(
            lambda: len(way.server.children()) == 2 and first not in way.server.children(), "a new worker"
        )
        way.server.wait_for_lines("event=listening", 3)
        assert second in way.server.children()
        for number in range(8):
            assert send(way.server.port, message(b"x", f"{number}@w.test"), ALICE).startswith("250")
        assert len(way.objects()) == 8
        assert way.server.stop() == 0


def test_a_mailbox_that_is_full_takes_nothing_more(tmp_path: Path, engine: Engine) -> None:
    hooks = f'[quota]\n"{ALICE}" = 10000\n'
    with path(tmp_path, engine, hooks=hooks) as way:
        way.server.wait_for_log("event=listening")
        assert send(way.server.port, message(_body(20_000), "1@q.test"), ALICE).startswith("250")
        with Client(way.server.port) as client:
            client.expect(220)
            client.ask("EHLO client.test", 250)
            client.ask("MAIL FROM:<a@sender.test>", 250)

            def is_full() -> bool:
                client.say(f"RCPT TO:<{ALICE}>")
                return client.reply().startswith("452 4.2.2")

            wait_until(is_full, "what it holds is known")  # A thread counts that after the start.
            client.ask(f"RCPT TO:<{BOB}>", 250)
