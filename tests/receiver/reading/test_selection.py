"""List, show and export select and number messages alike, and an export overwrites nothing."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from receiver.reading import eml_files, export, stored
from receiver.reading.stored import Maildir, Stored
from tests.receiver.stored_mail import Mail


@pytest.fixture
def mail(tmp_path: Path) -> Mail:
    """Three messages, and other entries among them."""
    made = Mail(tmp_path / "mail")
    paths = [made.store(f"Subject: {count}\n\nx\n") for count in range(3)]
    new, secret = paths[0].parent, tmp_path / "secret"
    secret.write_text("Subject: secret\n\nx\n")
    (new / "1000000000.old.link").symlink_to(secret)
    (new / "1999999999.new.link").symlink_to(secret)
    os.mkfifo(new / "1999999998.pipe")
    (new / "1999999997.folder").mkdir()
    (new / f"{paths[1].name.split('.')[0]}.Z.link").symlink_to(secret)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(f"/tmp/letterbox-{os.getpid()}.socket")  # a name for one has room for 107 octets
    Path(f"/tmp/letterbox-{os.getpid()}.socket").rename(new / "1999999996.socket")
    return made


def _subjects(said: bytes) -> list[str]:
    return [
        line[9:] for line in said.decode().replace("\r\n", "\n").splitlines() if line.startswith("Subject: ")
    ]


def test_list_show_and_export_number_messages_alike(mail: Mail) -> None:
    listed = [each["subject"] for each in mail.json("list")]
    assert listed == ["2", "1", "0"]
    assert [mail.json("show", str(number))[0]["subject"] for number in (1, 2, 3)] == listed
    assert [_subjects(mail.letterbox("export", str(number)).stdout) for number in (1, 2, 3)] == [
        ["2"],
        ["1"],
        ["0"],
    ]
    assert mail.letterbox("show", "4").returncode == 1


def test_list_skips_entries_that_are_not_messages(mail: Mail) -> None:
    assert [each["subject"] for each in mail.json("list", "-n", "2")] == ["2", "1"]


def test_export_skips_entries_that_are_not_messages_and_reports_each_once(mail: Mail) -> None:
    done = mail.letterbox("export")
    assert (done.returncode, _subjects(done.stdout)) == (0, ["0", "1", "2"])
    said = done.stderr.decode().splitlines()
    assert len(said) == len(set(said)) == 6
    assert any("1999999998.pipe: a pipe, not a message: skipped" in line for line in said)
    for kind in ("a symbolic link", "a folder", "a socket"):
        assert any(kind in line for line in said)


def test_a_prefix_of_an_identity_finds_messages_only(mail: Mail) -> None:
    for wanted in ("1999999999", "new", "1000000000.old.link", "1999999998.pipe"):
        done = mail.letterbox("show", wanted)
        assert (done.returncode, b"no such message" in done.stderr) == (1, True), wanted


def test_many_entries_that_are_not_messages_are_reported_in_short(mail: Mail) -> None:
    new = next(mail.folder.glob("*/*/new"))
    for count in range(100):
        (new / f"18000000{count:02}.link").symlink_to("nowhere")
    done = mail.letterbox("list", "--json")
    assert len(done.stdout.splitlines()) == 3
    assert len(done.stderr.splitlines()) == 21


def test_one_message_at_two_domains_makes_two_files(mail: Mail, tmp_path: Path) -> None:
    octets = b"Subject: both\r\n\r\nx\r\n"
    for domain in ("a.test", "b.test"):
        box = tmp_path / "two" / domain / "alice"
        for name in ("tmp", "new", "cur"):
            (box / name).mkdir(parents=True)
        (box / "new/1700000000.M1P1Q1R1.mx").write_bytes(octets)
    mail.folder = tmp_path / "two"
    done = mail.letterbox("export", "--folder", str(tmp_path / "out"))
    assert done.stderr.startswith(b"2 message(s) written to ")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "alice@a.test.1700000000.M1P1Q1R1.mx.eml",
        "alice@b.test.1700000000.M1P1Q1R1.mx.eml",
    ]


def test_a_second_export_repeats_and_overwrites_nothing(mail: Mail, tmp_path: Path) -> None:
    out = tmp_path / "out"
    mail.letterbox("export", "--folder", str(out))
    first = sorted(out.iterdir())[0]
    kept = first.read_bytes()
    first.write_bytes(b"mine")
    done = mail.letterbox("export", "--folder", str(out))
    assert done.stderr.decode().splitlines()[-1] == f"1 message(s) written to {out}; 2 already existed"
    assert first.read_bytes() == b"mine"
    assert sorted(path.read_bytes() for path in out.iterdir() if path.stem.endswith(".2")) == [kept]
    assert len(list(out.iterdir())) == 4


def test_an_export_follows_no_link_in_its_folder(mail: Mail, tmp_path: Path) -> None:
    out, other = tmp_path / "out", tmp_path / "other"
    mail.letterbox("export", "--folder", str(out))
    first = sorted(out.iterdir())[0]
    first.unlink()
    first.symlink_to(other)
    assert mail.letterbox("export", "--folder", str(out)).returncode == 0
    assert not other.exists()


def test_a_file_name_is_unique_and_not_too_long() -> None:
    def name(box: str) -> str:
        return eml_files.file_name(Stored(Maildir("d" * 250, box, "/x"), "1700000000.M1P1Q1R1.mx", "/x/y"))

    names = {name("a" * 64), name("a" * 63 + "b"), name("ü" * 60)}
    assert len(names) == 3
    assert all(len(os.fsencode(each)) <= 251 for each in names)


def test_a_message_that_was_removed_meanwhile_is_skipped(
    mail: Mail, capsys: pytest.CaptureFixture[str]
) -> None:
    messages = list(stored.everything(stored.maildirs(mail.folder)))
    gone = next(each for each in messages if each.path.endswith("mx1.example.test"))
    Path(gone.path).unlink()
    assert list(export._opened([gone])) == []
    assert "was moved or removed meanwhile" in capsys.readouterr().err


def test_list_says_where_the_messages_of_proofs_are(tmp_path):
    mail = Mail(tmp_path)
    mail.store("Subject: a proof\n\nx\n", ".proof")
    said = mail.letterbox("list", "--text").stdout.decode()
    assert "No mail yet" in said
    assert "Messages of proofs: 1. `letterbox list --mailbox .proof` lists them." in said
    assert mail.json("list") == []
    assert [each["subject"] for each in mail.json("list", "--mailbox", ".proof")] == ["a proof"]
    assert "Messages of proofs" not in mail.letterbox("list", "--text", "--mailbox", ".proof").stdout.decode()
