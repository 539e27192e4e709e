"""`letterbox push` into a real bucket: everything once, under the hour of its arrival, and the queue."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from receiver.bucket import keys as bucket_keys
from receiver.bucket.client import Client
from receiver.hook_queue import link_name
from tests.bucket.seaweed import Engine
from tests.receiver.transfer.fleet import ALICE, BOB, Host, Service, keys, message, put, service
from tests.waiting import wait_until

NewHost = Callable[..., Host]
LARGE = b"Message-ID: <large@sender.test>\r\n\r\n" + b"0123456789abcde\r\n" * 100_000


def test_all_mail_goes_there_and_comes_back_on_another_host(client: Client, new_host: NewHost) -> None:
    host, other = new_host(), new_host()
    host.store()
    host.store(LARGE, part="cur")
    host.store(b"Subject: no Message-ID\r\n\r\nHello\r\n")
    host.store(mailbox=BOB)
    host.store(mailbox=BOB).chmod(0o444)  # for a hook
    said = host.push("--dry-run")
    assert (said["pushed"], said["dry_run"], keys(client)) == (5, True, [])
    assert not (host.mail / ".bucket" / "pushed").exists()
    assert host.push()["pushed"] == 5
    assert json.loads((host.mail / ".bucket" / "pushed").read_text())["files"] == 5
    assert host.push()["pushed"] == 0
    assert host.pull("--all")["pulled"] == 0
    assert other.pull()["pulled"] == 5
    assert (other.files(), other.files(BOB)) == (host.files(), host.files(BOB))
    assert other.push()["pushed"] == 0
    assert len(keys(client)) == 5


def test_a_message_gets_the_hour_of_its_arrival(client: Client, new_host: NewHost) -> None:
    host = new_host()
    then = time.time() - 100 * 86_400
    host.store(seconds=then)
    host.store(seconds=0)
    host.push()
    hours = {key[:13] for key in keys(client)}
    assert hours == {bucket_keys.hour(then), bucket_keys.hour(946_684_800)}
    other = new_host()
    assert other.pull()["pulled"] == 2
    (path,) = [each for each in (other.box() / "new").iterdir() if not each.name.startswith("0.")]
    assert path.stat().st_mtime == int(then)  # IMAP shows it as the time of arrival


def test_the_receiver_and_push_make_one_object_of_a_message(client: Client, new_host: NewHost) -> None:
    host = new_host()
    for content in (None, b"no Message-ID\r\n"):
        name, fields, octets, trace = message(content, hostname=host.hostname)
        from receiver.bucket.protocol import Copy

        client.put(name, [Copy(ALICE, fields)], octets, trace=trace)
        for part in ("tmp", "new", "cur"):
            (host.box() / part).mkdir(parents=True, exist_ok=True)
        (host.box() / "new" / name).write_bytes(fields + octets)
    assert host.push()["pushed"] == 0
    assert len(keys(client)) == 2


def test_what_a_client_moved_or_copied_is_one_message(client: Client, new_host: NewHost) -> None:
    host = new_host()
    path = host.store()
    archive = host.box() / ".Archive" / "cur"
    archive.mkdir(parents=True)
    os.link(path, archive / "1795638601.M443342P23500.vm,W=3152:2,S")
    assert host.push()["pushed"] == 1
    moved = host.store()
    moved.rename(archive / f"{moved.name}:2,S")
    assert host.push()["pushed"] == 1
    assert host.push()["pushed"] == 0


def test_mail_that_was_imported_or_appended_goes_too_and_is_never_believed(
    client: Client, new_host: NewHost
) -> None:
    host, other = new_host(), new_host()
    real = host.store()
    appended = host.box() / "cur" / "1795638601.M443342P23500.vm,W=3152:2,S"
    appended.write_bytes(real.read_bytes())  # It looks as if the receiver had written it.
    appended.chmod(0o600)
    mbox = host.top / "old.mbox"
    mbox.write_bytes(
        b"From x Thu Jan  1 00:00:00 2026\n\nno header\n\nFrom x Thu Jan  1 00:00:00 2026\nA: b\n\nc\n\n"
    )
    assert host.run("import", "alice@example.test", str(mbox)).code == 0
    assert host.push()["pushed"] == 4
    assert host.push()["pushed"] == 0
    hook = '[hooks.orders]\ndomains = ["example.test"]\n'
    other.configure(hook)
    assert other.pull()["pulled"] == 4
    assert sorted(other.files().values()) == sorted(host.files().values())
    modes = {path.name: path.stat().st_mode & 0o777 for path in (other.box() / "new").iterdir()}
    assert [mode for name, mode in modes.items() if ".I" in name] == [0o600] * 3
    assert modes[real.name] == 0o444
    links = list((other.mail / ".hooks" / "orders" / "pending").iterdir())
    assert [each.name for each in links] == [link_name(real.name, ALICE)]
    assert other.push()["pushed"] == 0


def test_the_queue_is_emptied_at_once_and_nothing_else_is_touched(
    bucket: Service, client: Client, new_host: NewHost
) -> None:
    host = new_host()
    backlog = [host.store(waits=True) for _ in range(20)]
    strange = ["README", f"{backlog[0].name}.zzzzzzzz", f"{backlog[0].name}.00000000", ".hidden"]
    for name in strange:
        (host.pending / name).write_text("no message")
    folder, link = (host.pending / link_name(message()[0], ALICE) for _ in range(2))
    folder.mkdir()
    link.symlink_to("/etc/passwd")
    left = {*strange, folder.name, link.name}
    with host.following("push"), host.following("pull", "--every", "0.2"):
        wait_until(lambda: {path.name for path in host.pending.iterdir()} == left, lambda: host.log("push"))
        assert len(keys(client)) == 20
        began = time.monotonic()
        late = host.store(LARGE, waits=True)
        late.unlink()  # A reader removes it before it is put.
        wait_until(lambda: len(keys(client)) == 21, lambda: host.log("push"))
        assert time.monotonic() - began < 20
        put(client)  # When this one has come, the pull has looked since.
        wait_until(lambda: len(host.files()) == 21, lambda: host.log("pull"))
        # A link goes after its object is stored.
        wait_until(lambda: {path.name for path in host.pending.iterdir()} == left, lambda: host.log("push"))
    assert {path.name for path in backlog} <= set(host.files())
    assert host.push()["pushed"] == 0


def test_the_queue_waits_for_a_service_that_is_away(
    engine: Engine, tmp_path: Path, bucket: Service, client: Client, new_host: NewHost
) -> None:
    host = new_host()
    bucket.process.kill()
    bucket.process.wait()
    host.store(waits=True)
    with host.following("push") as following:
        wait_until(lambda: "event=error" in host.log("push"), lambda: host.log("push"))
        assert len(list(host.pending.iterdir())) == 1
        stat = Path(f"/proc/{following.pid}/stat").read_text().split()
        time.sleep(3)  # not a condition: what is measured is that nothing is done meanwhile
        more = Path(f"/proc/{following.pid}/stat").read_text().split()
        assert int(more[13]) + int(more[14]) - int(stat[13]) - int(stat[14]) < 100  # ticks of 10 ms
        assert host.log("push").count("event=error") == 1
        url = next(line for line in (tmp_path / "bucket.sock.toml").read_text().split('"') if "http" in line)
        with service(tmp_path, engine, [url]):
            wait_until(lambda: not list(host.pending.iterdir()), lambda: host.log("push"))
            wait_until(lambda: "answers again" in host.log("push"), lambda: host.log("push"))


def test_a_new_host_has_all_when_the_old_one_is_gone(client: Client, new_host: NewHost) -> None:
    old, new = new_host(), new_host()
    for _ in range(30):
        old.store()
    old.push()
    files = old.files()
    new.pull()
    shutil.rmtree(old.top)
    assert new.files() == files
