"""A bucket that errs or is broken for some objects holds up no other mail and hides none; nor do files."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from receiver.addresses import fold_local
from receiver.bucket.client import Client
from receiver.mailbox import Mailbox
from receiver.transfer.fetching import GETS
from receiver.transfer.window import DAY, Window
from tests.bucket.gateway import Fault, Gateway, gateway
from tests.bucket.seaweed import Engine
from tests.receiver.transfer.fleet import ALICE, Host, Service, keys, put, service
from tests.waiting import wait_until

NewHost = Callable[..., Host]
FOLDED = Mailbox("folded.test", fold_local("a\u00df\u0301"))
TABLES = f'[domains."folded.test"]\nmailboxes = ["{FOLDED.name}"]\n'
_NUMBER = itertools.count(1)


@pytest.fixture
def gate(engine: Engine) -> Iterator[Gateway]:
    with gateway(engine.endpoint) as running:
        yield running


@pytest.fixture
def bucket(engine: Engine, gate: Gateway, tmp_path: Path) -> Iterator[Service]:
    """The service behind a gateway of faults."""
    with service(tmp_path, engine, [f"{gate.url('mail')}/hostile-{next(_NUMBER)}"]) as running:
        yield running


def test_an_object_that_the_store_denies_once_comes_with_the_next_pull(
    gate: Gateway, client: Client, new_host: NewHost
) -> None:
    host = new_host()
    stored = [put(client)[1] for _ in range(2)]
    gate.at(2, Fault.NO_KEY, method="GET")  # The first one is the list.
    said = host.pull(code=1)
    assert (said["pulled"], said["failed"]) == (1, 1)
    assert "is listed, and the bucket does not have it" in said["errors"]
    assert host.pull()["pulled"] == 1
    assert sorted(host.files().values()) == sorted(stored)


def test_objects_that_the_store_cannot_give_hold_up_no_others(
    gate: Gateway, client: Client, new_host: NewHost
) -> None:
    host = new_host()
    for _ in range(GETS):
        put(client, hour="2026-11-20/07")
    broken = keys(client)
    for _ in range(3):
        put(client, hour="2026-11-20/08")
    for key in broken:
        gate.broken.add(key)
    with host.following("pull", "--every", "0.5"):
        wait_until(lambda: len(host.files()) == 3, lambda: host.log("pull"))
    gate.broken.clear()
    assert host.pull("--all")["pulled"] == GETS


def test_large_messages_that_failed_have_the_line_for_themselves(
    gate: Gateway, client: Client, new_host: NewHost
) -> None:
    host = new_host()
    for number in range(3):
        host.store(
            b"Message-ID: <%d@large.test>\r\n\r\n" % number + b"0123456789abcde\r\n" * 70_000, waits=True
        )
    gate.delay, gate.together = 0.5, 3  # The first three come at once.
    gate.at(1, Fault.BAD_KEY, times=9)  # three tries of each
    with host.following("push"):
        wait_until(lambda: not list(host.pending.iterdir()), lambda: host.log("push"))
    assert "event=error" in host.log("push")
    assert max(gate.alongside[:9]) == 3
    assert (gate.alongside[9:], len(keys(client))) == ([1, 1, 1], 3)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to give up its rights")
def test_a_file_that_cannot_be_read_holds_up_no_others(
    bucket: Service, client: Client, new_host: NewHost
) -> None:
    host = new_host()
    put(client)
    bad = host.store(waits=True)
    good = host.store(waits=True)
    bad.chmod(0)
    for path in (host.mail, *host.mail.rglob("*")):
        os.chown(path, 65534, 65534)
    for path in (host.top, *host.top.parents):
        if path.stat().st_uid == 0 and path != Path("/"):
            path.chmod(path.stat().st_mode | 0o055)
    bucket.path.chmod(0o666)
    with host.following("push"), host.following("pull", "--every", "0.2"):
        wait_until(lambda: len(host.files()) == 3, lambda: host.log("pull"))
        wait_until(lambda: len(list(host.pending.iterdir())) == 1, lambda: host.log("push"))
        wait_until(lambda: "Permission denied" in host.log("push"), lambda: host.log("push"))
    assert good.name not in str(list(host.pending.iterdir()))
    said = host.push(code=1)
    assert said["failed"] == 1
    assert f"{bad}: Permission denied" in said["errors"]


def test_every_name_that_a_receiver_makes_can_be_pulled(client: Client, new_host: NewHost) -> None:
    assert fold_local(FOLDED.name) != FOLDED.name
    host = new_host(TABLES)
    put(client, mailbox=FOLDED)
    put(client)
    assert host.pull()["pulled"] == 2
    assert len(host.files(FOLDED)) == len(host.files(ALICE)) == 1


def test_what_stays_behind_for_weeks_does_not_list_a_large_bucket_all_the_time() -> None:
    for pages, most in ((1, 150), (9000, 1)):
        window, now, began = Window(), 1795694400.0, 0
        for _ in range(8640):
            everything = "" in window.prefixes(now)
            began += everything
            window.done(now, is_whole=not everything, lists=pages if everything else 5)
            now += 10
        assert began <= most, f"{began} looks at {pages} pages in {DAY} s"
