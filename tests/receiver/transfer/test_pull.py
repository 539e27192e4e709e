"""`letterbox pull` on a real bucket: what comes, what does not, and what is said."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import obstore
import pytest

from receiver.bucket import keys as bucket_keys
from receiver.bucket.client import Client
from receiver.mailbox import Mailbox
from tests.bucket.seaweed import Engine
from tests.receiver.processes import ROOT, environment
from tests.receiver.transfer.fleet import BOB, Host, Service, keys, put, service

NewHost = Callable[..., Host]
AGO = 7200  # seconds


def test_mail_of_another_host_comes_as_it_is_once(client: Client, new_host: NewHost) -> None:
    host = new_host()
    large = b"Message-ID: <large@sender.test>\r\n\r\n" + b"0123456789abcde\r\n" * 100_000
    mail = dict([put(client), put(client, large), put(client, b"Subject: no Message-ID\r\n\r\nHello\r\n")])
    other = dict([put(client, mailbox=BOB)])
    said = host.pull()
    assert (said["pulled"], said["refused"], said["failed"]) == (4, 0, 0), (said, keys(client))
    assert host.files() == mail
    assert host.files(BOB) == other
    assert {path.stat().st_mode & 0o777 for path in (host.box() / "new").iterdir()} == {0o400}
    assert not list((host.box() / "tmp").iterdir())
    assert host.pull()["pulled"] == 0
    assert host.pull("--all")["listed"] == 4


def test_what_was_removed_moved_or_marked_stays_so(client: Client, new_host: NewHost) -> None:
    host = new_host()
    mail = dict(put(client) for _ in range(4))
    host.pull()
    removed, marked, moved, renamed = sorted((host.box() / "new").iterdir())
    removed.unlink()
    marked.rename(host.box() / "cur" / f"{marked.name}:2,FS")
    (host.box() / ".Archive" / "cur").mkdir(parents=True)
    moved.rename(host.box() / ".Archive" / "cur" / f"{moved.name}:2,S")
    renamed.rename(host.box() / ".Archive" / "cur" / "1795638601.M443342P23500.vm,W=3152:2,S")
    before = sorted(host.mail.rglob("*:2,*"))
    assert host.pull("--all")["pulled"] == 0
    assert sorted(host.mail.rglob("*:2,*")) == before
    assert not list((host.box() / "new").iterdir())
    assert len(mail) == 4


def test_a_lost_journal_makes_nothing_twice(client: Client, new_host: NewHost) -> None:
    host = new_host()
    for _ in range(3):
        put(client)
    put(client, b"no Message-ID\r\n")
    host.pull()
    first, second, *_ = sorted((host.box() / "new").iterdir())
    first.rename(host.box() / "cur" / f"{first.name}:2,S")
    second.rename(host.box() / "cur" / "1795638601.M443342P23500.vm,W=3152:2,S")
    files = host.files()
    for path in (host.mail / ".bucket" / "pulled").iterdir():
        path.unlink()
    assert host.pull()["pulled"] == 0
    assert host.files() == files


def test_a_message_in_two_hours_comes_once(client: Client, new_host: NewHost) -> None:
    host = new_host()
    again = b"Message-ID: <again@sender.test>\r\n\r\nHello\r\n"
    for ago in (0, AGO, 5 * AGO):
        put(client, again, hour=bucket_keys.hour(time.time() - ago))
    assert len(keys(client)) == 3
    assert host.pull()["pulled"] == 1
    assert host.pull("--all")["pulled"] == 0
    assert len(host.files()) == 1


def test_a_message_that_this_host_has_itself_does_not_come(client: Client, new_host: NewHost) -> None:
    """Its sender did not see the 250, and gave it to another host as well."""
    host = new_host()
    again = b"Message-ID: <again@sender.test>\r\n\r\nHello\r\n"
    other = b"Message-ID: <other@sender.test>\r\n\r\nHello\r\n"
    host.store(again)
    waiting = host.store(other, waits=True)
    put(client, again)
    host.pull()
    put(client, other)
    host.pull()
    assert len(host.files()) == 2
    waiting.unlink()  # Its reader removes it.
    host.pull("--all")
    assert len(host.files()) == 1


def test_a_forger_who_came_first_does_not_hide_the_real_message(client: Client, new_host: NewHost) -> None:
    host = new_host()
    again = b"Message-ID: <again@sender.test>\r\n\r\nHello\r\n"
    hour = bucket_keys.hour(time.time() - AGO)
    forged, _ = put(client, again, sender="forged", hour=hour)
    assert host.pull()["pulled"] == 1
    put(client, again, sender="unknown", hour=bucket_keys.hour(time.time() - 3 * AGO))
    assert host.pull()["pulled"] == 0
    real, _ = put(client, again, sender="authentic")
    assert host.pull()["pulled"] == 1
    put(client, again, sender="authentic", hour=bucket_keys.hour(time.time() - 5 * AGO))
    assert host.pull("--all")["pulled"] == 0
    assert set(host.files()) == {forged, real}
    late = new_host()
    assert late.pull()["pulled"] == 1
    assert not {forged} & set(late.files())  # It saw a real one first.


def test_temperror_and_then_pass_is_one_message(client: Client, new_host: NewHost) -> None:
    host = new_host()
    again = b"Message-ID: <again@sender.test>\r\n\r\nHello\r\n"
    put(client, again, sender="unknown")
    put(client, again, sender="authentic", hour=bucket_keys.hour(time.time() - AGO))
    host.pull()
    assert len(host.files()) == 1


def test_mail_of_other_domains_stays_and_is_counted(client: Client, new_host: NewHost) -> None:
    host = new_host()
    put(client, mailbox=Mailbox("other.test", "carol"))
    put(client)
    said = host.pull()
    assert (said["pulled"], said["not_ours"]) == (1, 1)
    assert not (host.mail / "other.test").exists()


@pytest.mark.parametrize("name", ["..", ".proof", "-rf", "Alice"])
def test_no_name_of_the_bucket_leads_elsewhere(client: Client, new_host: NewHost, name: str) -> None:
    host = new_host()
    put(client, mailbox=Mailbox("example.test", name))
    said = host.pull(code=1)
    assert (said["pulled"], said["refused"]) == (0, 1)
    assert "is not the key of a message" in said["errors"]
    assert not [path for path in host.mail.rglob("*") if path.is_file() and ".bucket" not in path.parts]


def test_a_full_mailbox_and_its_end_are_seen(client: Client, new_host: NewHost) -> None:
    host = new_host('[quota]\n"alice@example.test" = 1000\n')
    put(client, b"Message-ID: <1@sender.test>\r\n\r\n" + b"x" * 2000)
    put(client)
    put(client, mailbox=BOB)
    said = host.pull(code=1)
    assert (said["pulled"], said["failed"]) == (2, 1)
    assert "alice@example.test: is full" in said["errors"]
    host.configure('[quota]\n"alice@example.test" = 10000\n')
    assert host.pull()["pulled"] == 1


def test_wait_sees_what_is_pulled_and_whose_it_is(client: Client, new_host: NewHost) -> None:
    host = new_host()
    above = (
        b"Authentication-Results: mx2.example.test;\r\n\tspf=pass smtp.mailfrom=zoe@sender.test;\r\n"
        b"\tdkim=pass header.d=sender.test header.s=s header.a=rsa-sha256 header.b=abcdefgh;\r\n"
        b"\tdmarc=pass (p=reject at sender.test, aligned dkim) header.from=sender.test\r\n"
    )
    content = b"From: zoe@sender.test\r\nMessage-ID: <7@sender.test>\r\nSubject: seven\r\n\r\nHello\r\n"
    put(client, content, sender="authentic", above=above)
    host.pull()
    ran = host.run("wait", "--json", "--since", "600", "--timeout", "10", "--authentic")
    assert ran.code == 0, ran
    assert ran.said["authentic"] is True
    words = host.command("wait", "--json", "--timeout", "120")
    with host.following("pull", "--every", "0.2"):
        waiting = subprocess.Popen(words, cwd=ROOT, env=environment(), stdout=subprocess.PIPE)
        number = 7
        while waiting.poll() is None:  # It sees only what comes after its start.
            number += 1
            again = content.replace(b"seven", b"later").replace(b"<7@", b"<%d@" % number)
            put(client, again)
            time.sleep(0.5)
        assert waiting.returncode == 0, host.log("pull")
        assert waiting.stdout
        assert json.loads(waiting.stdout.read())["subject"] == "later"


def test_a_full_disk_is_said_and_its_end_is_seen(bucket: Service, client: Client, small_disk: Path) -> None:
    host = Host(small_disk / "host", bucket.path)
    subprocess.run(["mount", "-o", "remount,size=3m", str(small_disk)], check=True)
    mail = dict(put(client, f"Message-ID: <{n}@x>\r\n\r\n".encode() + b"x" * 700_000) for n in range(6))
    said = host.pull(code=1)
    assert 0 < said["pulled"] < 6
    assert said["failed"]
    assert "disk is full" in said["errors"] or "No space left" in said["errors"]
    assert set(host.files().items()) < set(mail.items())
    assert not list((host.box() / "tmp").iterdir())
    subprocess.run(["mount", "-o", "remount,size=20m", str(small_disk)], check=True)
    host.pull()
    assert host.files() == mail


def test_root_gives_itself_up_and_files_are_the_services(engine: Engine, folder: Path) -> None:
    host = Host(folder / "host", folder / "bucket.sock")
    host.top.chmod(0o755)  # whatever the umask is by now
    host.mail.mkdir()
    os.chown(host.mail, 65534, 65534)
    with service(folder, engine, [f"{engine.url}/nobody"]) as running:
        os.chown(running.path, 65534, 65534)
        running.path.chmod(0o600)
        with running.client() as client:
            name, octets = put(client)
            assert host.pull()["pulled"] == 1
            assert host.files() == {name: octets}
            assert {path.stat().st_uid for path in host.mail.rglob("*")} == {65534}
            assert host.push()["pushed"] == 0


def test_an_object_that_is_not_what_it_says_is_left_out_and_said(
    engine: Engine, bucket: Service, client: Client, new_host: NewHost
) -> None:
    host = new_host()
    name, octets = put(client)
    put(client)
    put(client)
    rotten, renamed = [key for key in keys(client) if client.head(key).name != name]
    store = bucket.store(engine)
    head = client.head(rotten)
    said_of = {"name": head.name, "sender": "authentic"}
    obstore.put(store, rotten, octets.replace(b"Hello", b"Hullo"), attributes=said_of)
    obstore.put(store, renamed, octets, attributes={"name": f"../../../{head.name}", "sender": "unknown"})
    obstore.put(store, "backup/notes.txt", b"somebody's own")
    obstore.put(store, "2026-11-26/20/example.test/..%2F..%2Fetc/H" + "0" * 40, octets, attributes=said_of)
    said = host.pull(code=1)
    assert (said["pulled"], said["refused"], said["others"]) == (1, 3, 1)
    assert rotten in said["errors"]
    assert renamed in said["errors"]
    assert host.files() == {name: octets}
    assert not list(host.top.parent.rglob(f"{head.name}*"))
