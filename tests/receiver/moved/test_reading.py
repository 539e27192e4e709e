"""Whatever a mail client does with a message, it stays the same message for the reading commands."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from receiver import maildir
from receiver.reading import stored, summary
from receiver.reading.changes import Arrivals
from tests.receiver.moved import dovecot
from tests.receiver.moved.dovecot import Session
from tests.receiver.moved.received import Mailbox, rename_by_copying

pytestmark = pytest.mark.skipif(not dovecot.is_installed(), reason=dovecot.WHY_NOT)

UMLAUT, SHOWN = '"Entw&APw-rfe/2026"', "Entwürfe/2026"


@pytest.fixture
def box(tmp_path: Path) -> Mailbox:
    return Mailbox(tmp_path)


def _move(client: Session) -> None:
    client.create(UMLAUT)
    client.do("MOVE", "1", UMLAUT)


def _mark(client: Session) -> None:
    client.store("1", "+FLAGS", "(\\Seen \\Flagged $Forwarded)")


def _rename_folder(client: Session) -> None:
    client.create("Archive")
    client.do("MOVE", "1", "Archive")
    client.rename("Archive", UMLAUT)


def _rename_file(client: Session) -> None:
    client.create(UMLAUT)
    rename_by_copying(client, "1", UMLAUT)


def _rename_file_in_place(client: Session) -> None:
    client.create("Archive")
    rename_by_copying(client, "1", "Archive")
    client.do("MOVE", "1", "INBOX")


ACTS: dict[str, tuple[Callable[[Session], object], str]] = {
    "marked": (_mark, ""),
    "moved": (_move, SHOWN),
    "in a folder that was renamed": (_rename_folder, SHOWN),
    "moved and renamed": (_rename_file, SHOWN),
    "renamed, and back in the mailbox": (_rename_file_in_place, ""),
}


@pytest.mark.parametrize("act", ACTS)
def test_a_message_keeps_its_id_its_verdict_and_its_time(box: Mailbox, act: str) -> None:
    identity = box.receive("the one")
    before = box.read(identity)
    box.receive("another")
    do, folder = ACTS[act]
    with box.client() as client:
        do(client)
    (found,) = box.find(identity)
    after = box.read(identity)
    assert (maildir.identity(found.name) == "") == ("renamed" in act and "folder" not in act), found
    assert (after.subject, after.stored.maildir.folder) == ("the one", folder)
    assert (after.identity, after.stored.arrived) == (identity, before.stored.arrived)
    assert after.verdict.is_authentic is True
    assert [each.subject for each in box.all()] == ["another", "the one"], "in the order of arrival"


def test_the_commands_show_the_folder_and_take_the_id(box: Mailbox) -> None:
    identity = box.receive("the one")
    box.receive("another")
    with box.client() as client:
        _rename_file(client)
    listed = box.mail.json("list")
    assert [(each["id"], each["folder"]) for each in listed][1:] == [(identity, SHOWN)]
    assert [each["folder"] for each in listed] == [None, SHOWN]
    assert f"alice@example.test/{SHOWN}" in box.mail.letterbox("list", "--text").stdout.decode()
    assert box.mail.json("show", identity)[0]["authentic"] is True
    for arguments in ([identity], ["2"], []):
        assert b"Subject: the one" in box.mail.letterbox("export", *arguments).stdout, arguments
    waited = box.mail.json("wait", "--timeout", "0", "--since", "7200", "--subject", "the one")
    assert waited[0]["id"] == identity


def test_of_a_message_and_its_copies_the_one_in_the_mailbox_is_shown(box: Mailbox) -> None:
    identity = box.receive("the one")
    with box.client() as client:
        client.create("Archive")
        client.do("COPY", "1", "Archive")
        client.do("COPY", "1", "Archive")
        assert box.read(identity).stored.maildir.folder == ""
        client.store("1", "+FLAGS", "\\Deleted")
        client.expunge()
        assert box.read(identity).stored.maildir.folder == "Archive"
    assert [each.identity for each in box.all()] == [identity] * 2, "each file has its line in `list`"


def test_a_message_that_a_client_deleted_is_not_found(box: Mailbox) -> None:
    identity = box.receive("the one")
    with box.client() as client:
        client.store("1", "+FLAGS", "\\Deleted")
        client.expunge()
    assert box.find(identity) == []
    done = box.mail.letterbox("show", identity)
    assert (done.returncode, b"no such message" in done.stderr) == (1, True)


def test_nothing_that_a_client_does_is_an_arrival(box: Mailbox) -> None:
    box.receive("the one")
    box.receive("another")
    arrivals = Arrivals(lambda: stored.maildirs(box.mail.folder))
    with box.client() as client:
        for do in (_mark, _move, _rename_file_in_place):
            do(client)
            assert arrivals.look() == []
            client.select("INBOX")
        client.do("COPY", "1", "INBOX")
        client.put("INBOX", b"Subject: appended\r\n\r\nx\r\n")
        client.rename("Archive", "Old")
        assert arrivals.look() == []


@pytest.mark.parametrize("act", [_move, _rename_file])
def test_a_message_that_a_client_moves_before_it_is_seen_arrives_once(
    box: Mailbox, act: Callable[[Session], object]
) -> None:
    box.mail.store("Subject: there before\n\nx\n", "bob")
    arrivals = Arrivals(lambda: stored.maildirs(box.mail.folder))
    arrivals._oldest = 0  # The messages of these tests are some minutes old.
    identity = box.receive("moved at once")
    with box.client() as client:
        act(client)
    (seen,) = arrivals.look()
    assert (summary.read(seen).identity, seen.maildir.folder) == (identity, SHOWN)
    assert arrivals.look() == []
