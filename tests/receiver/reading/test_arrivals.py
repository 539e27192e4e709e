"""`letterbox wait` and `letterbox follow` see each message that arrives, and nothing else."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from receiver.reading import arrivals as arrivals_module
from receiver.reading import stored, summary
from receiver.reading.arrivals import Arrivals
from receiver.reading.stored import Stored
from receiver.reading.summary import Summary
from tests.receiver.processes import ROOT
from tests.receiver.stored_mail import Mail


@pytest.fixture
def mail(tmp_path: Path) -> Mail:
    made = Mail(tmp_path / "mail")
    made.store("Subject: was there before\n\nx\n")
    return made


@pytest.fixture
def arrivals(mail: Mail) -> Arrivals:
    return Arrivals(lambda: stored.maildirs(mail.folder))


def test_each_arrival_is_seen_once(mail: Mail, arrivals: Arrivals) -> None:
    assert arrivals.look() == []
    for count in range(20):  # several in one tick of the clock too
        path = mail.store(f"Subject: {count}\n\nx\n")
        assert [each.path for each in arrivals.look()] == [str(path)]
        assert arrivals.look() == []


def test_a_message_that_a_reader_marks_as_seen_is_not_new_again(mail: Mail, arrivals: Arrivals) -> None:
    path = mail.store("Subject: new\n\nx\n")
    assert len(arrivals.look()) == 1
    path.rename(path.parents[1] / "cur" / f"{path.name}:2,S")
    assert arrivals.look() == []


def test_a_new_mailbox_is_seen(mail: Mail, arrivals: Arrivals) -> None:
    mail.store("Subject: first of bob\n\nx\n", "bob")
    assert [str(each.maildir) for each in arrivals.look()] == ["bob@example.test"]


def _lines(process: subprocess.Popen[bytes]) -> Iterator[dict[str, object]]:
    assert process.stdout is not None
    for line in process.stdout:
        yield json.loads(line)


def test_wait_ends_with_the_message_for_that_address(mail: Mail) -> None:
    line = mail.line("wait", "--to", "BOB@example.test", "--timeout", "60", "--json")
    with subprocess.Popen(line, cwd=ROOT, stdout=subprocess.PIPE) as process:
        while process.poll() is None:  # until it was seen: when the command began to look cannot be known
            mail.store("Subject: not this\n\nx\n")
            mail.store("Subject: for bob\n\nhello\n", "bob")
            time.sleep(0.2)
        (shown,) = _lines(process)
    assert process.returncode == 0
    assert (shown["subject"], shown["text"]) == ("for bob", "hello\n")


def test_wait_can_count_what_came_just_before(mail: Mail) -> None:
    mail.store("Subject: just now\n\nx\n", "bob")
    assert mail.json("wait", "--to", "bob", "--since", "60", "--timeout", "0")[0]["subject"] == "just now"
    done = mail.letterbox("wait", "--to", "bob", "--timeout", "0.2")
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.startswith(b"letterbox: no message for bob in 0.2 s")


@pytest.mark.parametrize("command", [["follow"], ["wait", "--to", "bob"], ["list"], ["show", "1"]])
def test_a_folder_that_is_not_there_is_an_error_and_nothing_to_wait_for(
    mail: Mail, command: list[str]
) -> None:
    done = mail.letterbox(*command, "--mail", "/nosuch")
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr == b"letterbox: /nosuch: no such folder: name the mail folder with --mail\n"


def test_follow_shows_each_and_ends_quietly_at_ctrl_c(mail: Mail) -> None:
    with subprocess.Popen(
        mail.line("follow", "--json"), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        seen = _lines(process)
        while not _readable(process):
            mail.store("Subject: is it there?\n\nx\n")
            time.sleep(0.2)
        mail.store("Subject: the last\n\nx\n")
        while next(seen)["subject"] != "the last":
            pass
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        assert process.stderr.read() == b""
    assert process.returncode == 0


def _readable(process: subprocess.Popen[bytes]) -> bool:
    import select

    return bool(select.select([process.stdout], [], [], 0)[0])


def _delivered(mail: Mail, recipient: str | None, mailbox: str = "alice") -> Summary:
    path = mail.store("Subject: x\n\nx\n", mailbox)
    octets, goal = path.read_bytes(), f"\tfor <{mailbox}@example.test>;".encode()
    path.write_bytes(octets.replace(goal, f"\tfor <{recipient}>;".encode() if recipient else b"\t;"))
    (box,) = stored.maildirs(mail.folder, mailbox)
    return summary.read(Stored(box, path.name, str(path)))


def test_a_message_is_for_the_address_that_its_sender_named(mail: Mail) -> None:
    message = _delivered(mail, "Sales@example.test")
    for to in ("sales@example.test", "SALES", "alice", "alice@example.test", None):
        assert arrivals_module.is_for(message, to), to
    for to in ("bob", "sales@other.test", "", "info@example.test"):
        assert not arrivals_module.is_for(message, to, ("alice@example.test",)), to


def test_a_message_to_several_is_for_an_alias_that_the_configuration_has(mail: Mail) -> None:
    message = _delivered(mail, None)
    assert arrivals_module.is_for(message, "sales@example.test", {"alice@example.test"})
    assert not arrivals_module.is_for(message, "sales@example.test", {"bob@example.test"})
    assert not arrivals_module.is_for(message, "sales@example.test")


def test_wait_knows_the_aliases_of_the_configuration(mail: Mail, tmp_path: Path) -> None:
    config = tmp_path / "letterbox.toml"
    config.write_text(
        f'hostname="mx.example.test"\nmail="{mail.folder}"\n'
        '[domains."example.test"]\nmailboxes=["alice", "bob"]\naliases={sales=["alice"]}\n'
    )
    _delivered(mail, None)
    line = [
        sys.executable,
        "-m",
        "receiver",
        "wait",
        "--config",
        str(config),
        "--since",
        "60",
        "--timeout",
        "0",
    ]
    for to, code in (("sales@example.test", 0), ("sales+x@example.test", 0), ("bob@example.test", 1)):
        done = subprocess.run([*line, "--to", to], cwd=ROOT, capture_output=True, check=False)
        assert done.returncode == code, (to, done.stderr)


def test_an_entry_that_is_not_a_message_does_not_arrive(mail: Mail, arrivals: Arrivals) -> None:
    path = mail.store("Subject: x\n\nx\n")
    path.with_name("1999999999.link").symlink_to(path)
    assert [each.path for each in arrivals.look()] == [str(path)]
