"""Messages that the bucket can never hold: they hold up no other, and the bucket is not called away."""

from __future__ import annotations

from collections.abc import Callable

import obstore
import pytest

from receiver.bucket.client import Client
from receiver.mailbox import Mailbox
from services.bucket import fetching
from tests.bucket.seaweed import Engine
from tests.receiver.transfer.fleet import Host, Service, keys, put
from tests.waiting import wait_until

NewHost = Callable[..., Host]
LONG = Mailbox("example.test", "!" * 210)  # Each of these marks has three octets in a key.
MANY = 12  # more than are put at once


def test_a_push_puts_all_others(client: Client, new_host: NewHost) -> None:
    host = new_host()
    for _ in range(MANY):
        host.store(mailbox=LONG)
    host.store()
    said = host.push(code=1)
    assert (said["pushed"], said["failed"], len(keys(client))) == (1, MANY, 1), said
    assert "too long" in said["errors"]


def test_a_queue_of_them_does_not_say_that_the_bucket_is_away(client: Client, new_host: NewHost) -> None:
    host = new_host()
    for _ in range(MANY):
        host.store(mailbox=LONG, waits=True)
    with host.following("push"):
        wait_until(lambda: "too long" in host.log("push"), lambda: host.log("push"))
        for number in range(1, 4):
            host.store(waits=True)
            wait_until(lambda number=number: len(keys(client)) == number, lambda: host.log("push"))
        # A link goes after its object is stored.
        wait_until(lambda: len(list(host.pending.iterdir())) == MANY, lambda: host.log("push"))
    assert "until it answers again" not in host.log("push")


def test_an_object_that_is_shorter_than_the_message_does_not_stand_for_it(
    client: Client, bucket: Service, engine: Engine
) -> None:
    content, hour = b"Message-ID: <one@sender.test>\r\n\r\nHello\r\n", "2026-11-20/07"
    put(client, content, hour=hour)
    (key,) = keys(client)
    put(client, content, hour=hour)  # from another host
    for spoiled in (b"", b"Return-Path: <zoe@sender.test>\r\n"):
        obstore.put(bucket.store(engine), key, spoiled)
        with pytest.raises(OSError, match="shorter than the message"):
            put(client, content, hour=hour)


def test_a_push_does_not_take_a_shorter_object_for_the_message(
    client: Client, bucket: Service, engine: Engine, new_host: NewHost
) -> None:
    host = new_host()
    host.store()
    assert host.push()["pushed"] == 1
    (key,) = keys(client)
    obstore.put(bucket.store(engine), key, b"")
    (host.mail / ".bucket" / "pushed").unlink()
    said = host.push(code=1)
    assert (said["pushed"], said["failed"]) == (0, 1) and "remove it from the bucket" in said["errors"], said
    assert not (host.mail / ".bucket" / "pushed").exists()
    obstore.delete(bucket.store(engine), key)
    assert host.push()["pushed"] == 1


def test_objects_that_are_too_large_for_messages_hold_up_no_others(
    client: Client, bucket: Service, engine: Engine, new_host: NewHost
) -> None:
    host = new_host()
    put(client)
    (key,) = keys(client)
    huge = bytes(fetching.LARGEST + 1)
    for number in range(2):
        obstore.put(bucket.store(engine), f"{key[:-8]}{number:08d}", huge)
    said = host.pull(code=1)
    assert (said["pulled"], said["refused"], said["failed"]) == (1, 2, 0), said
    assert "too many for a message" in str(said)
