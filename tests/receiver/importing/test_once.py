"""A message is imported once and whole, whatever was imported, moved or cut off before."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
from functools import partial
from pathlib import Path

import pytest

from tests.receiver.importing.importing import Importer, digests, make_maildir, mbox
from tests.receiver.processes import ROOT, wait_until
from tests.receiver.server import Server

LETTERS = [
    b"Subject: %d\n\nbody %d\n" % (number, number) + b"x" * (number * 37 % 2000) + b"\n"
    for number in range(350)
]


def deliver(server: Server) -> None:
    with server.client() as client:
        client.begin("alice@example.test")
        client.send(b"Subject: live\r\n\r\nx\r\n.\r\n")
        client.expect(250)


def has_files(tmp: Path, number: int, process: subprocess.Popen[bytes]) -> bool:
    """Whether so many files lie in tmp/, or the process has ended."""
    return process.poll() is not None or (tmp.is_dir() and len([*tmp.iterdir()]) >= number)


def test_a_second_run_imports_nothing(importer: Importer) -> None:
    assert importer.run(mbox(LETTERS[:120])).counts == (120, 0, 0)
    before = importer.files()
    assert importer.run(mbox(LETTERS[:121])).counts == (1, 120, 0)
    assert [path for path in before if not path.exists()] == []
    assert digests(importer.contents()) == digests(LETTERS[:121])


def test_equal_messages_of_a_source_stay_as_many_as_they_are(importer: Importer) -> None:
    source = mbox([LETTERS[0], LETTERS[1], LETTERS[0]])
    assert importer.run(source).counts == (3, 0, 0)
    assert importer.run(source).counts == (0, 3, 0)
    assert len(importer.files()) == 3


def test_a_message_that_a_mail_client_renamed_and_moved_is_found_again(importer: Importer) -> None:
    importer.run(mbox(LETTERS[:4]))
    box = importer.mail / "example.test/alice"
    for folder in (".Archive", "Lists/2024"):
        (box / folder / "cur").mkdir(parents=True)
    first, second, third, fourth = importer.files()
    fourth.rename(box / "Lists/2024/cur/1795638602.M443342P23500.vm:2,S")
    first.rename(box / ".Archive/cur/1795638601.M443342P23500.vm,W=3152:2,S")
    second.rename(box / "cur" / f"{second.name}:2,FS")
    shutil.copy(third, box / "cur/9.x:2,")
    third.unlink()
    assert importer.run(mbox(LETTERS[:5])).counts == (1, 4, 0)


def test_a_dry_run_writes_nothing(importer: Importer) -> None:
    done = importer.run(mbox(LETTERS[:3]), "--dry-run")
    assert (done.code, done.counts, list(importer.mail.iterdir())) == (0, (3, 0, 0), [])


def test_a_kill_leaves_no_part_of_a_message_and_the_next_run_completes_it(
    importer: Importer, tmp_path: Path
) -> None:
    source, chance = tmp_path / "old.mbox", random.Random(1)
    source.write_bytes(mbox(LETTERS))
    whole = set(digests(LETTERS))
    tmp = importer.mail / "example.test/alice/tmp"
    kills = 0
    for _ in range(8):
        process = subprocess.Popen(importer.command(source), cwd=ROOT, stdout=subprocess.DEVNULL)
        wait_until(partial(has_files, tmp, chance.randint(1, 99), process), "some files in tmp/")
        process.send_signal(signal.SIGKILL)
        kills += process.wait() == -signal.SIGKILL
        assert set(digests(importer.contents())) <= whole
    assert kills > 2
    done = importer.run(source)
    assert (done.code, done.counts[2]) == (0, 0)
    assert digests(importer.contents()) == digests(LETTERS)
    assert importer.leftovers() == []
    assert importer.run(source).counts == (0, len(LETTERS), 0)


def test_only_one_import_at_a_time_works_on_a_mailbox(importer: Importer) -> None:
    first = subprocess.Popen(importer.command("-"), cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert first.stdin
    first.stdin.write(mbox(LETTERS[:1]))
    first.stdin.flush()
    # It makes the mailbox before it locks that. The lock is in /proc/locks (proc_locks(5)).
    wait_until(lambda: f" {first.pid} " in Path("/proc/locks").read_text(), "the lock")
    assert "runs: wait until" in importer.run(mbox(LETTERS[:1])).errors
    first.communicate(timeout=60)
    assert importer.run(mbox(LETTERS[:1])).counts == (0, 1, 0)


def test_it_runs_beside_the_receiver_whose_mail_and_hooks_it_leaves_alone(serve, tmp_path: Path) -> None:
    server: Server = serve()
    importer = Importer(tmp_path)
    importer.config = server.folder / "letterbox.toml"
    importer.mail = server.mail
    deliver(server)
    assert importer.run(mbox(LETTERS)).counts == (350, 0, 0)
    deliver(server)
    assert len(importer.files()) == 352
    assert not (server.mail / ".hooks").exists()
    assert importer.run(mbox(LETTERS)).counts == (0, 350, 0)


def test_no_hook_is_told_no_quota_holds_and_what_keep_removes_is_said(importer: Importer) -> None:
    text = importer.config.read_text().replace(
        "[domains",
        '[hooks.orders]\nmailboxes = ["alice@example.test"]\n[keep]\n"example.test" = 30\n'
        '[quota]\n"alice@example.test" = 1000000\n[domains',
        1,
    )
    importer.config.write_text(text)
    large = [b"Subject: %d\n\n" % number + b"x" * 300_000 + b"\n" for number in range(5)]
    done = importer.run(mbox(large))
    assert (done.code, done.counts) == (0, (5, 0, 0))
    assert done.said["notes"] == [
        "alice@example.test keeps mail for 30 days: what is older is removed by the next daily run"
    ]
    assert not (importer.mail / ".hooks").exists()
    assert {path.stat().st_nlink for path in importer.files()} == {1}


def test_a_maildir_comes_with_its_subfolders_dates_and_flags(importer: Importer, tmp_path: Path) -> None:
    source = tmp_path / "Maildir"
    files = {
        "new/1400000000.a.host": LETTERS[0],
        "cur/1400000001.b.host:2,FSabz": LETTERS[1],
        "cur/undated": LETTERS[2],
        ".Sent.2014/cur/1400000003.d:2,": LETTERS[3],
        ".Sent.2014/new/1400000004.e": LETTERS[4],
        "tmp/1400000009.half": b"half of a mess",
        "new/.hidden": b"x",
        "dovecot.index": b"x",
    }
    make_maildir(source, files)
    assert importer.run(source).counts == (5, 0, 0)
    box = importer.mail / "example.test/alice"
    found = {path.read_bytes(): path for path in importer.files()}
    places = [f"{found[each].relative_to(box).parent}{found[each].name[10:11]}" for each in LETTERS[:5]]
    assert places == ["new.", "cur.", "cur.", ".Sent.2014/cur.", ".Sent.2014/new."]
    flags = [found[each].name.partition(":2,")[2] for each in LETTERS[:5]]
    assert flags == ["", "FS", "", "", ""]
    times = [found[each].stat().st_mtime for each in LETTERS[:5]]
    assert times == [1_400_000_000, 1_400_000_001, 1_300_000_000, 1_400_000_003, 1_400_000_004]
    assert (box / ".Sent.2014/maildirfolder").is_file()
    assert importer.run(source).counts == (0, 5, 0)
    assert importer.run(source, "--folder", "Old", mailbox="bob@example.test").counts == (5, 0, 0)
    assert len(list((importer.mail / "example.test/bob/.Old").glob("*/*"))) == 3


@pytest.mark.parametrize("name", ["sales@example.test", "carol@example.test", "alice@other.test", "alice"])
def test_what_is_no_mailbox_is_refused_by_name(importer: Importer, name: str) -> None:
    done = importer.run(mbox(LETTERS[:1]), mailbox=name)
    assert done.code in (1, 2)
    assert name in done.errors and "Traceback" not in done.errors
    assert list(importer.mail.iterdir()) == []
