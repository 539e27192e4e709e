"""`letterbox keep`: what goes, what stays, and how a run ends."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from tests.receiver.keeping.mail import DAY, Mail, new_mail
from tests.receiver.processes import ROOT, environment, wait_until


@pytest.fixture
def mail(tmp_path: Path) -> Mail:
    return new_mail(tmp_path)


def test_old_messages_go_from_new_cur_and_subfolders_and_young_ones_stay(mail: Mail) -> None:
    places = ("new", "cur", ".Archive/cur", ".Archive.2024/new", "Lists/Python/cur")
    old = [mail.put(31, place, octets=50) for place in places]
    young = {mail.put(29, place) for place in places}
    in_tmp = {mail.put(400, "tmp"), mail.put(400, ".Archive/tmp")}
    ran = mail.keep()
    assert (ran.code, ran.stderr) == (0, "")
    (alice, bob) = ran.lines
    assert (alice["mailbox"], alice["messages"], alice["octets"]) == ("alice@example.test", 5, 250)
    arrived = int(old[0].name.partition(".")[0])
    assert alice["oldest"][:10] == time.strftime("%Y-%m-%d", time.gmtime(arrived))
    assert (bob["mailbox"], bob["messages"], bob["oldest"]) == ("bob@example.test", 0, None)
    assert mail.files() == young | in_tmp, [path for path in old if path.exists()]


def test_each_mailbox_has_its_own_days_and_one_without_any_is_left_alone(tmp_path: Path) -> None:
    mail = new_mail(tmp_path, '[keep]\n"alice@example.test" = 1')
    mail.put(2)
    of_bob = mail.put(4000, box="bob")
    assert [line["messages"] for line in mail.keep().lines] == [1]
    assert mail.files() == {of_bob}


def test_a_name_of_ours_counts_with_flags_and_anothers_by_the_time_of_its_file(
    mail: Mail,
) -> None:
    seen = mail.put(31, "cur")
    seen.rename(seen.with_name(seen.name + ":2,S"))
    touched = mail.put(31, mtime=time.time())
    now, old = time.time(), time.time() - 31 * DAY
    copied = mail.put(0, "cur", name=f"{int(now)}.M1P2.mx,S=100,W=101:2,S", mtime=old)
    copied_young = mail.put(0, "cur", name=f"{int(old)}.M1P3.mx,S=100,W=101:2,", mtime=now)
    offlineimap = mail.put(0, "cur", name=f"{int(now)}_0.77.mx,U=3:2,", mtime=old)
    assert mail.keep().code == 0
    assert mail.files() == {copied_young}, (touched, copied, offlineimap)


def test_what_is_no_message_is_never_touched(mail: Mail) -> None:
    old = time.time() - 400 * DAY
    names = ("README", ".1500000000.M1P1.mx", "dovecot-uidlist", "1500000000", "mail.eml")
    kept = {mail.put(0, place, name=name, mtime=old) for name in names for place in ("new", "cur")}
    kept |= {mail.put(0, ".", name=name, mtime=old) for name in ("1500000000.M1P1.mx", "subscriptions")}
    own = f"{int(old)}.M000001P1Q1R0123abcd.mx"
    (mail.alice / "new" / own).mkdir()
    os.mkfifo(mail.alice / "cur" / own)
    ran = mail.keep()
    assert [line["messages"] for line in ran.lines] == [0, 0]
    assert mail.files() == {Path(os.path.normpath(path)) for path in kept}
    assert (mail.alice / "new" / own).is_dir() and (mail.alice / "cur" / own).is_fifo()


def test_no_symbolic_link_is_followed_or_removed(mail: Mail, tmp_path: Path) -> None:
    elsewhere = new_mail(tmp_path / "elsewhere")
    outside = {elsewhere.put(400), elsewhere.put(400, "cur")}
    (mail.alice / ".Linked").symlink_to(elsewhere.alice)
    (mail.alice / ".Half").mkdir()
    (mail.alice / ".Half" / "cur").symlink_to(elsewhere.alice / "cur")
    link = mail.alice / "new" / next(iter(outside)).name
    link.symlink_to(next(iter(outside)))
    assert mail.keep().code == 0
    assert link.is_symlink() and elsewhere.files() == outside


def test_a_mailbox_that_is_a_link_is_reported_and_the_others_are_cleaned(mail: Mail, tmp_path: Path) -> None:
    elsewhere = new_mail(tmp_path / "elsewhere")
    outside = elsewhere.put(400)
    (mail.folder / "example.test" / "bob").symlink_to(elsewhere.alice)
    mail.put(31)
    ran = mail.keep()
    assert ran.code == 1 and "bob@example.test" in ran.stderr and "no folder of its own" in ran.stderr
    assert [line["messages"] for line in ran.lines] == [1]
    assert outside.exists()


@pytest.mark.parametrize("part", ["pending", "dead"])
def test_what_a_hook_has_not_delivered_stays_under_any_name(mail: Mail, part: str) -> None:
    moved, waits = (
        mail.put(31, ".Archive/cur", name="1.M1P1.mx:2,S", mtime=time.time() - 31 * DAY),
        mail.put(31),
    )
    gone = mail.put(31)
    queue = mail.folder / ".hooks" / "orders" / part
    queue.mkdir(parents=True)
    (queue / f"{waits.name}.0123abcd").hardlink_to(waits)
    (queue / "1700000000.M1P1.mx.0123abcd").hardlink_to(moved)
    ran = mail.keep("--mailbox", "alice")
    assert [(line["messages"], line["undelivered"]) for line in ran.lines] == [(1, 2)]
    assert mail.files() == {waits, moved}, gone
    for path in queue.iterdir():
        path.unlink()
    assert [line["messages"] for line in mail.keep("--mailbox", "alice").lines] == [2]


def test_if_the_queues_cannot_be_read_nothing_goes(mail: Mail, folder: Path) -> None:
    mail = new_mail(folder)
    message = mail.put(400)
    hooks = mail.folder / ".hooks" / "orders" / "pending"
    hooks.mkdir(parents=True)
    for path in (mail.folder, *mail.folder.rglob("*")):
        os.chown(path, 4711, 4711)
    os.chown(hooks, 0, 0)
    hooks.chmod(0o700)
    ran = mail.keep()
    assert ran.code != 0 and ran.stdout == "" and message.exists(), ran


def test_a_dry_run_shows_what_would_go_and_writes_nothing(mail: Mail) -> None:
    mail.put(31, octets=1_200_000)
    arrived = int(mail.put(90).name.partition(".")[0])
    before = sorted(mail.folder.rglob("*"))
    ran = mail.keep("--dry-run", "--text", "--mailbox", "Alice@Example.test")
    oldest = time.strftime("%d %b %Y", time.localtime(arrived))
    text = f"2 messages would go, 1.2 MB, older than 30 days, the oldest of {oldest}"
    assert (ran.code, ran.stdout) == (0, f"alice@example.test: {text}\n")
    assert mail.keep("--dry-run").lines[0]["dry_run"] is True
    assert sorted(mail.folder.rglob("*")) == before


def test_a_run_that_is_killed_is_completed_by_the_next(mail: Mail) -> None:
    young = {mail.put(1, place) for place in ("new", "cur")}
    left = _killed_half_way(mail)
    assert young < left
    assert mail.keep().lines[0]["messages"] == len(left) - len(young)
    assert mail.files() == young


def _killed_half_way(mail: Mail) -> set[Path]:
    """The files after a run that was killed. There are several tries, because a run may end before that."""
    for _ in range(5):
        old = {mail.put(31, octets=0) for _ in range(5000)}
        running = subprocess.Popen(mail.command(), cwd=ROOT, env=environment(), stdout=subprocess.DEVNULL)
        wait_until(lambda: len(os.listdir(mail.alice / "new")) < 4900, "some messages have gone")  # noqa: PTH208
        running.send_signal(signal.SIGKILL)
        running.wait()
        left = mail.files()
        if left & old:
            assert not old <= left
            return left
    pytest.fail("every run had ended before it was killed")


def test_only_one_run_at_a_time_removes(mail: Mail) -> None:
    message = mail.put(31)
    (mail.folder / ".keep").mkdir()
    with (mail.folder / ".keep" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        ran = mail.keep()
        assert (ran.code, ran.stdout) == (75, "") and "under way" in ran.stderr
        assert message.exists()
        assert mail.keep("--dry-run").code == 0


def test_what_cannot_be_done_is_said_with_an_exit_code(mail: Mail) -> None:
    assert mail.keep("--mailbox", "carol").code == 1
    mail.configure('[keep]\n"example.test" = "30 days"')
    ran = mail.keep()
    assert ran.code == 78 and 'keep."example.test": must be a whole number of days' in ran.stderr
    mail.configure("")
    ran = mail.keep("--text")
    assert (ran.code, ran.stdout) == (0, 'All mail is kept: no mailbox has "keep".\n')


def test_root_is_given_up_and_what_the_mails_user_may_not_remove_is_told(folder: Path) -> None:
    mail = new_mail(folder)
    gone, stays = mail.put(31), mail.put(31, "cur")
    for path in (mail.folder, *mail.folder.rglob("*")):
        os.chown(path, 4711, 4711)
    os.chown(stays.parent, 0, 0)
    ran = mail.keep("--mailbox", "alice")
    assert ran.code == 1 and f"cur/{stays.name}: Permission denied" in ran.stderr
    assert (ran.lines[0]["messages"], ran.lines[0]["failed"]) == (1, 1)
    assert stays.exists() and not gone.exists()


def test_100_000_messages_take_seconds_and_little_memory() -> None:
    in_memory = Path("/dev/shm")  # where it is quick to make that many files
    with tempfile.TemporaryDirectory(dir=in_memory if in_memory.is_dir() else None) as top:
        _remove_100_000(new_mail(Path(top)))


# A small process of its own starts the command, because a child's peak begins with that of its parent.
_MEASURED = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(used.ru_utime + used.ru_stime, used.ru_maxrss)
"""


def _remove_100_000(mail: Mail) -> None:
    young = {mail.put(1)}
    arrived, new = int(time.time() - 31 * DAY), mail.alice / "new"
    for number in range(100_000):
        name = f"{arrived}.M{number % 1_000_000:06d}P1Q{number}R0123abcd.mx.example.test"
        os.close(os.open(new / name, os.O_CREAT | os.O_WRONLY))
    ran = subprocess.run(
        [sys.executable, "-c", _MEASURED, *mail.command()],
        cwd=ROOT, env=environment(), capture_output=True, text=True, check=True,
    )  # fmt: skip
    seconds, kilobytes = map(float, ran.stdout.splitlines()[-1].split())
    assert mail.files() == young
    assert seconds < 30, "of CPU"
    assert kilobytes < 100_000
