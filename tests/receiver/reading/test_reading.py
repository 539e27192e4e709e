"""`letterbox list | show | export`, each as a process, on mail folders as the receiver makes them."""

from __future__ import annotations

import io
import mailbox
import os
import pty
import resource
import subprocess
from pathlib import Path

import pytest

from receiver.reading import export
from tests.receiver.processes import ROOT
from tests.receiver.stored_mail import Mail

LETTER = """\
From: =?UTF-8?Q?Zo=C3=AB?= Stranger <zoe@sender.test>
To: alice@example.test
Subject: =?UTF-8?B?R3LDvMOfZSDwn5iA?=
Date: Sun, 22 Nov 2026 15:00:00 +0100

Hello
"""
MIXED = """\
From: zoe@sender.test
Subject: parts
Content-Type: multipart/mixed; boundary="outer"

--outer
Content-Type: multipart/alternative; boundary="inner"

--inner
Content-Type: text/plain; charset=iso-8859-1
Content-Transfer-Encoding: quoted-printable

caf=E9

--inner
Content-Type: text/html

<p>other</p>
--inner--
--outer
Content-Type: application/pdf; name="ignored.pdf"
Content-Disposition: attachment; filename*=UTF-8''..%2F..%2FRechnung%20%E2%82%AC.pdf
Content-Transfer-Encoding: base64

JVBERi0xLjQK
--outer--
"""


@pytest.fixture
def mail(tmp_path: Path) -> Mail:
    return Mail(tmp_path / "mail")


def test_list_is_newest_first_with_decoded_headers_and_our_trace(mail: Mail) -> None:
    mail.store("Subject: first\n\nx\n")
    mail.store(LETTER, "bob")
    newest, first = mail.json("list")
    assert (newest["from"], newest["subject"]) == ("Zoë Stranger <zoe@sender.test>", "Grüße 😀")
    assert (newest["mailbox"], newest["date"]) == ("bob@example.test", "Sun, 22 Nov 2026 15:00:00 +0100")
    assert (newest["tls"], newest["peer"], newest["helo"]) == ("TLSv1.3", "192.0.2.1", "mail.sender.test")
    assert newest["size"] == Path(newest["path"]).stat().st_size
    assert first["subject"] == "first"


def test_list_takes_one_mailbox_and_a_number(mail: Mail) -> None:
    for count in range(3):
        mail.store(f"Subject: {count}\n\nx\n")
    mail.store(LETTER, "bob")
    assert [each["subject"] for each in mail.json("list", "--mailbox", "alice", "-n", "2")] == ["2", "1"]
    assert len(mail.json("list", "--mailbox", "bob@example.test")) == 1
    assert len(mail.json("list", "--mailbox", "Bob@Example.test")) == 1


def test_a_sender_cannot_forge_the_trace(mail: Mail) -> None:
    forged = (
        "Received: from x ([203.0.113.9])\n by mx1 (Letterbox) with ESMTPS\n (using TLSv1.9 with cipher X)\n"
    )
    mail.store(forged + LETTER)
    assert mail.json("list")[0]["tls"] == "TLSv1.3"


def test_a_message_marked_as_seen_is_listed(mail: Mail) -> None:
    path = mail.store(LETTER)
    path.rename(path.parents[1] / "cur" / f"{path.name}:2,S")
    assert [each["subject"] for each in mail.json("list")] == ["Grüße 😀"]


def test_show_finds_the_text_in_any_multipart_and_names_the_attachments(mail: Mail) -> None:
    mail.store(MIXED)
    (shown,) = mail.json("show")
    assert shown["text"] == "café\n"
    assert [(each["name"], each["type"]) for each in shown["attachments"]] == [
        ("Rechnung €.pdf", "application/pdf")
    ]


def test_html_alone_is_shown_without_its_tags(mail: Mail) -> None:
    mail.store("Content-Type: text/html\n\n<style>p {}</style><p>one</p><script>x</script>two &amp; three\n")
    assert mail.json("show")[0]["text"] == "one\ntwo & three\n"


def test_a_message_is_named_by_number_identity_or_path(mail: Mail) -> None:
    paths = [mail.store(f"Subject: {count}\n\nx\n") for count in range(3)]
    identity = paths[1].name.split(".")[1]
    assert mail.json("show", "2")[0]["subject"] == "1"
    assert mail.json("show", identity)[0]["subject"] == "1"
    assert mail.json("show", str(paths[1]))[0]["subject"] == "1"


@pytest.mark.parametrize("number", ["7", "0"])
def test_a_missing_message_is_one_line_and_exit_code_1(mail: Mail, number: str) -> None:
    mail.store(LETTER)
    done = mail.letterbox("show", number)
    assert done.returncode == 1
    assert done.stderr.decode().splitlines() == [
        f"letterbox: {number}: no such message: `letterbox list` shows them, and their numbers"
    ]


def test_an_unknown_mailbox_is_answered_with_the_existing_ones(mail: Mail) -> None:
    mail.store(LETTER)
    done = mail.letterbox("list", "--mailbox", "alise")
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"alice@example.test" in done.stderr


def test_an_mbox_can_be_read_back_and_undone(mail: Mail, tmp_path: Path) -> None:
    body = "one\nFrom here\n>From there\n"
    mail.store(f"Subject: a\n\n{body}")
    mail.store("Subject: b\n\nno line end at the end".replace("\n", "\r\n").encode())
    exported = mail.letterbox("export").stdout
    assert b"\r" not in exported
    (tmp_path / "mbox").write_bytes(exported)
    first, second = mailbox.mbox(tmp_path / "mbox")
    assert first.get_from().startswith("zoe@sender.test ")
    assert (first["subject"], second["subject"]) == ("a", "b")
    unquoted = io.StringIO(first.get_payload()).readlines()
    assert "".join(line[1:] if line.startswith(">") else line for line in unquoted) == body


def test_an_mbox_quotes_across_blocks_and_at_the_very_end() -> None:
    for text in (
        "x" * 1_048_575 + "\r\nFrom a",
        "x\r\n" * 400_000 + ">>From b",
        "From c",
        "x" * 3_000_000 + "\r",
    ):
        quoted = b"".join(export.quoted(io.BytesIO(text.encode())))
        lines = text.replace("\r\n", "\n").split("\n")
        wanted = "\n".join(f">{line}" if line.lstrip(">").startswith("From ") else line for line in lines)
        assert quoted.decode() == wanted + "\n"


def test_an_eml_is_the_stored_file_octet_for_octet(mail: Mail, tmp_path: Path) -> None:
    path = mail.store(LETTER)
    assert mail.letterbox("export", "--eml", "1").stdout == path.read_bytes()
    done = mail.letterbox("export", "--folder", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    (written,) = (tmp_path / "out").iterdir()
    assert written.read_bytes() == path.read_bytes()
    assert written.stat().st_mode & 0o777 == 0o600


def test_a_link_or_a_pipe_in_a_maildir_is_not_followed(mail: Mail, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("Subject: secret\n\n")
    new = mail.store(LETTER).parent
    (new / "1895000000.link").symlink_to(secret)
    os.mkfifo(new / "1895000001.pipe")
    assert [each["subject"] for each in mail.json("list")] == ["Grüße 😀"]
    assert mail.letterbox("show", "1895000000.link").returncode == 1


def test_list_of_a_hundred_thousand_costs_little_more_than_of_fifty(mail: Mail) -> None:
    path = mail.store(LETTER)
    for count in range(50):
        path.with_name(f"{1_795_000_000 + count}.M1P1Q{count}R1.mx1.example.test").hardlink_to(path)
    few = min(_cpu(mail.line("list")) for _ in range(3))
    for count in range(100_000):
        if count % 50_000 == 0:  # a file has no more than 65,000 names
            path = mail.store(LETTER)
        os.link(path, path.with_name(f"{1_796_000_000 + count}.M1P1Q{count}R1.mx1.example.test"))
    many = min(_cpu(mail.line("list")) for _ in range(3))
    assert many < few * 5, "twice is usual; to open them all would be fifty times"


def _cpu(line: list[str]) -> float:
    """CPU seconds, which hardly depend on how busy the machine is."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(line, cwd=ROOT, capture_output=True, check=True)
    assert len(done.stdout.splitlines()) == 50
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def on_a_terminal(line: list[str], *, columns: int = 80) -> str:
    """The output of a command on a terminal of that width."""
    parent, child = pty.openpty()
    environment = {**os.environ, "COLUMNS": str(columns), "LINES": "24", "TERM": "xterm", "NO_COLOR": ""}
    process = subprocess.Popen(line, cwd=ROOT, env=environment, stdout=child, stderr=child)
    os.close(child)
    said = b""
    while True:
        try:
            piece = os.read(parent, 65536)
        except OSError:  # how Linux tells that the other end is closed
            break
        if not piece:
            break
        said += piece
    os.close(parent)
    assert process.wait(30) == 0, said
    return said.decode()


def test_a_terminal_gets_a_table_that_fits(mail: Mail) -> None:
    mail.store(LETTER.replace("Hello", "x" * 200))
    mail.store(f"Subject: {'漢字' * 60}\nFrom: {'very long ' * 20}<a@sender.test>\n\nx\n")
    lines = on_a_terminal(mail.line("list"), columns=80).replace("\x1b[1m", "").replace("\x1b[0m", "")
    heads, first, second = lines.splitlines()
    assert heads.split() == ["#", "Arrived", "Real", "From", "Subject", "Mailbox", "Size", "TLS"]
    assert "Grüße 😀" in second
    assert len(heads) <= 80
    assert len(first) + sum(character in "漢字" for character in first) <= 80


def test_what_a_sender_writes_cannot_drive_the_terminal(mail: Mail) -> None:
    mail.store(
        "From: \x1b]0;owned\x07\x1b[2J <a@sender.test>\nSubject: =?utf-8?Q?=1B[31mred=0D=0A=E2=80=AEevil?=\n"
        "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nhello \x1b[5mblink \x9b31m \x00\x08 \u202eevil\n"
        '--b\nContent-Disposition: attachment; filename="\x1b[2Jx\u202efdp.exe"\n\nx\n--b--\n'
    )
    for command in ("list", "show", "show --headers"):
        said = on_a_terminal([*mail.line(*command.split()), "--text"])
        for ours in ("\x1b[1m", "\x1b[0m", "\r\n"):
            said = said.replace(ours, "")
        assert not set(said) & set("\x1b\x07\x08\x9b\0\r\u202e"), (command, said)
    assert "\x1b" not in mail.letterbox("show", "--json").stdout.decode()
