"""The whole way: SMTP to one host or two, the bucket, and the Maildirs of another host."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from receiver.bucket.client import Client
from tests.receiver.server import Server
from tests.receiver.spam_filter.stand_in import answer, replying, result, rspamd
from tests.receiver.transfer.fleet import ALICE, BOB, Host, Service, begin_in_an_hour, keys
from tests.waiting import wait_until

SPAM = replying(result(answer("add header", "7.24")))
HEAD = b"From: <zoe@sender.test>\r\nMessage-ID: <%d@sender.test>\r\n\r\n"


def send(server: Server, content: bytes, *recipients: str) -> None:
    with server.client() as client:
        client.begin(*recipients)
        client.send(content + b".\r\n")
        client.expect(250)


@pytest.mark.parametrize("is_filtered", [False, True], ids=["plain", "spam"])
def test_a_message_that_two_hosts_took_under_two_promises_is_one(
    bucket: Service, client: Client, new_host: Callable[..., Host], serve: Callable[..., Server],
    tmp_path: Path, is_filtered: bool,
) -> None:  # fmt: skip
    """One host's receiver puts it, and `push` of the other reads it from its file: both make one tail."""
    begin_in_an_hour(60)
    reader = new_host()
    table = f'[store]\nsocket = "{bucket.path}"\npromise = '
    with rspamd(tmp_path / "rspamd", SPAM):
        spam_filter = tmp_path / "rspamd" if is_filtered else None
        puts = serve(hooks=table + '"bucket"\n', hostname="mx8.example.test", spam_filter=spam_filter)
        disk = serve(hooks=table + '"disk"\n', hostname="mx9.example.test", spam_filter=spam_filter)
        contents = [HEAD % 1 + b"Hello\r\n", HEAD % 2 + b"0123456789abcde\r\n" * 20_000]
        contents.append(b" folded\r\n" + HEAD % 3)
        for content in contents:
            send(puts, content, "alice@example.test", "bob@example.test")
            send(disk, content, "alice@example.test", "bob@example.test")
        unnamed = b"Subject: no Message-ID\r\n\r\nHello\r\n"
        send(puts, unnamed, "alice@example.test")
        send(disk, unnamed, "alice@example.test")
    of_disk = Host(disk.folder, bucket.path, hostname="mx9.example.test")
    with of_disk.following("push"):
        wait_until(lambda: not list(of_disk.pending.iterdir()), lambda: of_disk.log("push"))
    assert len(keys(client)) == 8
    assert not list((puts.mail / "example.test/alice/new").glob("*"))
    assert reader.pull()["pulled"] == 8
    assert (len(reader.files()), len(reader.files(BOB))) == (5, 3)
    assert of_disk.pull("--all")["pulled"] == 1  # the message without a Message-ID that the other host took
    assert len(of_disk.files(ALICE)) == 5
    for octets in reader.files().values():
        assert any(octets.endswith(content) for content in [*contents, unnamed])
        assert (b"X-Spam: Yes" in octets) is is_filtered
