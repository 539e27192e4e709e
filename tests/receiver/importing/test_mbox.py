"""What is read of an mbox: where its messages end, what they are octet for octet, their dates and flags."""

from __future__ import annotations

import io
import mailbox
import random
from pathlib import Path

import pytest

from receiver.importing.found import SourceError, date_of_line
from receiver.importing.mbox import FORMS, Mbox
from receiver.reading import export
from receiver.reading.stored import Maildir, Stored
from tests.receiver.importing.importing import Importer, mbox

FROM = b"From zoe@sender.test Thu Jan  1 00:00:00 2015\n"
LETTERS = [
    b"Subject: one\n\nhello\n",
    b"Subject: two\r\n\r\nCRLF\r\n\r\n",
    b"Subject: three\n\n\n\nempty lines\n\n\n",
    b"\n",
    b"no header at all\n",
    b"Subject: five\n\nFromage\n From x\n>Fromage\n>> From\n",
    b"Subject: six\n\nnul \0 and \xff\xfe and \x1b[2J\n",
    b"Subject: seven\n\n" + b"x" * 300_000 + b"\n",
]


def read(octets: bytes, form: str = "mboxrd") -> list[bytes]:
    return [b"".join(each.pieces) for each in Mbox(io.BytesIO(octets), form, "old.mbox")]  # type: ignore[arg-type]


@pytest.mark.parametrize("form", FORMS)
def test_messages_are_read_as_they_stand(form: str) -> None:
    assert read(mbox(LETTERS), form) == LETTERS


def test_what_export_writes_comes_back(tmp_path: Path) -> None:
    chance = random.Random(18)
    lines = [
        b"From \n",
        b">From x\n",
        b">>From y 00:00 2015\n",
        b"From a 10:10 2015\n",
        b"\n",
        b"a\n",
        b">\n",
    ]
    for _ in range(300):
        message = b"Subject: x\n\n" + b"".join(chance.choices(lines, k=chance.randint(0, 12)))
        stored, out = tmp_path / "1400000000.M1P1Q1R1.mx", io.BytesIO()
        stored.write_bytes(message)
        box = Maildir("example.test", "alice", str(tmp_path))
        with stored.open("rb") as file:
            for _ in range(2):
                file.seek(0)
                export.write_mbox(Stored(box, stored.name, str(stored)), file, out)
        assert read(out.getvalue()) == [message, message]


def test_python_s_own_reader_finds_the_same_messages(tmp_path: Path) -> None:
    path = tmp_path / "old.mbox"
    path.write_bytes(mbox(LETTERS[:3] + LETTERS[4:5]))
    theirs = mailbox.mbox(path)
    assert read(path.read_bytes()) == [theirs.get_bytes(key) for key in theirs.keys()]  # noqa: SIM118


@pytest.mark.parametrize(
    ("form", "line", "expected"),
    [
        ("mboxrd", b">From x\n", b"From x\n"),
        ("mboxrd", b">>From x\n", b">From x\n"),
        ("mboxo", b">From x\n", b"From x\n"),
        ("mboxo", b">>From x\n", b">>From x\n"),
        ("mboxcl", b">From x\n", b"From x\n"),
        ("mboxcl2", b">From x\n", b">From x\n"),
        ("mboxcl2", FROM, FROM),
    ],
)
def test_quoting_is_taken_back_as_the_form_says(form: str, line: bytes, expected: bytes) -> None:
    body = b"a\n\n" + line
    head = b"Content-Length: %d\nSubject: x\n\n" % len(body)
    second = b"Subject: y\nContent-Length: 2\n\nz\n"
    found = read(FROM + head + body + b"\n" + FROM + second + b"\n", form)
    assert found == [head + b"a\n\n" + expected, second]


def test_a_stranger_s_content_length_hides_no_message() -> None:
    first = b"Subject: x\nContent-Length: 4000\n\nbody\n"
    octets = FROM + first + b"\n" + mbox(LETTERS[:2])
    reader = Mbox(io.BytesIO(octets), "mboxrd", "old.mbox")  # type: ignore[arg-type]
    assert [b"".join(each.pieces) for each in reader] == [first, *LETTERS[:2]]
    assert reader.ignored_lengths == 1
    with pytest.raises(SourceError, match=r"message 1 \(octet 0\): is cut off by 3\d\d\d octets"):
        read(octets, "mboxcl2")


def test_a_wrong_length_is_named_with_number_and_octet() -> None:
    octets = FROM + b"Subject: x\n\nbody\n\n" + FROM + b"Content-Length: 2\n\nbody\n\n"
    with pytest.raises(SourceError, match=r"message 2 \(octet 64\): its Content-Length \(2\) is wrong"):
        read(octets, "mboxcl2")


@pytest.mark.parametrize(
    ("line", "seconds"),
    [
        (b"From a@b Thu Jan  1 00:00:00 2015", 1420070400),
        (b"From - Thu Jan 01 00:00:00 2015\r", 1420070400),
        (b"From 1234@xxx Thu Jan 01 02:00:00 +0200 2015", 1420070400),
        (b"From a Thu Jan  1 00:00 2015", 1420070400),
        (b"From a Wed Dec 31 19:00:00 2014 -0500", 1420070400),
        (b"From a Thu Jan  1 00:00:00 GMT 2015 remote from x", 1420070400),
        (b"From a Thu Jan 99 00:00:00 2015", None),
        (b"From ", None),
    ],
)
def test_the_time_is_that_of_the_line(line: bytes, seconds: int | None) -> None:
    found = date_of_line(line + b"\n")
    assert found == seconds or (seconds is None and found is not None and b"99" in line)


FIELDS = {
    b"": "new",
    b"Status: O\n": "cur:2,",
    b"Status: RO\n": "cur:2,S",
    b"Status: RO\nX-Status: AF\n": "cur:2,FRS",
    b"X-Mozilla-Status: 0007\n": "cur:2,FRS",
    b"X-Gmail-Labels: Inbox,Starred\n": "cur:2,FS",
    b"X-Gmail-Labels: Inbox,Unread\n": "new",
    # A stranger could have written these, and his message would be hidden or removed.
    b"Status: RO\nX-Status: D\n": "cur:2,S",
    b"X-Mozilla-Status: 0009\n": "cur:2,S",
    b"X-Gmail-Labels: Trash,Unread\n": "new",
}


def test_flags_and_dates_are_kept_and_new_mail_stays_new(importer: Importer) -> None:
    messages = [fields + b"Subject: x\n\nStatus: R\n" for fields in FIELDS]
    assert importer.run(mbox(messages)).counts == (len(messages), 0, 0)
    paths = importer.files()
    assert [path.read_bytes() for path in paths] == messages
    assert [path.parent.name + "".join(path.name.partition(":")[1:]) for path in paths] == [*FIELDS.values()]
    times = [1_400_000_000 + at for at in range(len(messages))]
    assert [path.stat().st_mtime for path in paths] == times
    assert [int(path.name[:10]) for path in paths] == times
    assert {path.stat().st_mode & 0o777 for path in paths} == {0o600}


def test_a_line_without_a_time_leaves_the_date_to_the_message(importer: Importer) -> None:
    importer.run(b"From \nDate: Thu, 01 Jan 2015 01:00:00 +0100\n\nx\n\nFrom \nSubject: undated\n\ny\n\n")
    dated, undated = importer.files()
    assert dated.stat().st_mtime == 1_420_070_400
    assert undated.stat().st_mtime > 1_700_000_000
