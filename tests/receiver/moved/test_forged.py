"""A message that a client appends, whoever wrote it, never has a verdict of ours or the id of another."""

from __future__ import annotations

import random
import stat
from pathlib import Path

import pytest

from receiver.reading import summary
from receiver.reading.verdict import Answer
from tests.receiver.moved import dovecot
from tests.receiver.moved.received import Mailbox, rename_by_copying
from tests.receiver.reading.test_forged_trace import FAKES

pytestmark = pytest.mark.skipif(not dovecot.is_installed(), reason=dovecot.WHY_NOT)


@pytest.fixture
def box(tmp_path: Path) -> Mailbox:
    return Mailbox(tmp_path)


def test_an_exact_copy_of_our_file_that_a_client_appends_is_not_ours(box: Mailbox) -> None:
    """For example an attachment that the owner of the mailbox drags into a folder."""
    identity = box.receive("the one")
    whole = Path(box.find(identity)[0].path).read_bytes()
    forged = whole.replace(b"Subject: the one", b"Subject: forged ")
    with box.client() as client:
        client.put("INBOX", forged)
        client.create("Archive")
        client.do("COPY", "2", "Archive")
        client.do("COPY", "2", "Archive")
        assert [each.subject for each in box.all()].count("forged") == 3
        for each in box.all():
            ours = each.subject == "the one"
            assert each.verdict.is_authentic is (True if ours else None), each.stored.path
            assert (each.identity == identity) is ours
        assert box.read(identity).subject == "the one"
        client.store("1", "+FLAGS", "\\Deleted")
        client.expunge()
    left = box.read(identity)
    assert (left.subject, left.verdict.answer) == ("forged", Answer.UNCHECKED), (
        "it claims the id, and no more"
    )


def test_a_renamed_file_of_ours_goes_before_one_that_claims_its_id(box: Mailbox) -> None:
    identity = box.receive("the one")
    whole = Path(box.find(identity)[0].path).read_bytes()
    with box.client() as client:
        client.create("Archive")
        rename_by_copying(client, "1", "Archive")
        for _ in range(3):
            client.put("INBOX", whole.replace(b"Subject: the one", b"Subject: forged "))
    assert box.read(identity).subject == "the one"


def test_nothing_that_a_client_appends_is_believed_wherever_it_goes(box: Mailbox) -> None:
    chance = random.Random(18)
    identity = box.receive("the one")
    with box.client() as client:
        client.create("Archive")
        for number in range(60):
            fake = b"".join(chance.choice(FAKES) for _ in range(chance.randint(0, 12)))
            if number % 2:
                fake = FAKES[0] + FAKES[1] + FAKES[2] + FAKES[6] + fake
            client.put("INBOX", fake.replace(b"{identity}", identity.encode()) + b"x")
        client.do("COPY", "30:*", "Archive")
        client.do("MOVE", "2:30", "Archive")
        client.store("2:*", "+FLAGS", "(\\Seen)")
    others = [each for each in box.all() if each.subject != "the one"]
    assert len(others) >= 60
    for each in others:
        assert each.verdict.answer is Answer.UNCHECKED, each.stored.path
        assert not each.is_spam
        assert each.identity != identity


def test_a_mail_client_writes_no_file_that_is_read_only(box: Mailbox) -> None:
    """What the verdict of a renamed file rests on. If Dovecot changes that, this must be known."""
    identity = box.receive("the one")
    with box.client() as client:
        client.create("Archive")
        for flags in ("", "\\Seen", "\\Draft"):
            client.append("INBOX", flags, '"01-Jan-2020 10:00:00 +0000"', b"Subject: x\r\n\r\nx\r\n")
        client.do("MOVE", "1", "Archive")
        client.do("COPY", "1:*", "Archive")
        client.select("Archive")
        client.do("COPY", "1:*", "Archive")
        client.do("COPY", "1:*", "INBOX")
    found = box.all()
    modes = [(summary.read(each.stored).subject, Path(each.stored.path).stat().st_mode) for each in found]
    assert len(modes) == 3 + 2 * 4 + 8
    for subject, mode in modes:
        assert bool(mode & stat.S_IWUSR) == (subject == "x")
    assert {each.identity for each in found if each.subject == "the one"} == {identity}


def test_a_file_of_ours_that_was_made_writable_has_its_id_and_no_verdict(box: Mailbox) -> None:
    identity = box.receive("the one")
    with box.client() as client:
        client.create("Archive")
        rename_by_copying(client, "1", "Archive")
    Path(box.find(identity)[0].path).chmod(0o600)
    assert (box.read(identity).subject, box.read(identity).verdict.answer) == ("the one", Answer.UNCHECKED)
