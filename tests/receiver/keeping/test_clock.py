"""A clock that jumps: which mail goes, and what the user is told."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.keeping.age import DAY
from receiver.keeping.clock import Reading, believed, next_note, read_clocks
from tests.receiver.keeping.mail import Mail, new_mail

NOW = 1_795_000_000.0


@pytest.fixture
def mail(tmp_path: Path) -> Mail:
    return new_mail(tmp_path)


def note(mail: Mail, at: float, boot: str | None = None, uptime: float | None = None) -> None:
    """Leave the note of an earlier run. Without `boot` it was in this one."""
    (mail.folder / ".keep").mkdir(exist_ok=True)
    now = read_clocks()
    table = {"at": at, "boot": boot or now.boot, "uptime": now.uptime if uptime is None else uptime}
    (mail.folder / ".keep" / "state.json").write_text(json.dumps(table))


def test_a_clock_that_jumped_ahead_removes_nothing_until_the_user_says_that_it_is_right(mail: Mail) -> None:
    # As seen from the note, the clock is 400 days ahead, and all messages look old.
    note(mail, time.time() - 400 * DAY)
    messages = {mail.put(days) for days in (31, 200, 400)}
    ran = mail.keep("--mailbox", "alice")
    assert ran.code == 0 and "letterbox keep --trust-clock" in ran.stderr
    assert [line["messages"] for line in ran.lines] == [0]
    assert mail.files() == messages
    ran = mail.keep("--mailbox", "alice", "--trust-clock")
    assert ([line["messages"] for line in ran.lines], ran.stderr) == ([3], "")
    assert mail.keep().stderr == "", "the next run believes the clock"


def test_a_clock_that_is_behind_the_newest_message_is_told_and_removes_by_its_own_date(mail: Mail) -> None:
    coming, gone = mail.put(-400), mail.put(31)
    ran = mail.keep("--mailbox", "alice")
    assert ran.code == 0 and "see whether it is right" in ran.stderr
    assert mail.files() == {coming} and not gone.exists()


def test_messages_that_came_while_the_clock_was_not_set_stay(mail: Mail) -> None:
    since_1970 = mail.put(time.time() / DAY - 1)
    without_time = mail.put(0, "cur", name="0.x.mx", mtime=0)
    (line,) = mail.keep("--mailbox", "alice").lines
    assert (line["messages"], line["undated"]) == (0, 2)
    assert mail.files() == {since_1970, without_time}


@pytest.mark.parametrize(
    "text",
    [
        "", "{}", "[1]", '{"at": NaN, "boot": "", "uptime": 1}', '{"at": null}', "[" * 60_000,
        f'{{"at": 1{"0" * 400}, "boot": "", "uptime": 1}}',
    ],
)  # fmt: skip
def test_a_broken_note_is_as_good_as_none(mail: Mail, text: str) -> None:
    note(mail, 0)
    (mail.folder / ".keep" / "state.json").write_text(text)
    mail.put(31)
    assert mail.keep().lines[0]["messages"] == 1
    assert json.loads((mail.folder / ".keep" / "state.json").read_text())["at"] > time.time() - 60


@pytest.mark.parametrize(
    ("now", "last", "written", "until"),
    [
        (Reading(NOW, "a", 500), None, NOW, NOW),
        (Reading(NOW + 400 * DAY, "a", 500), None, NOW, NOW + DAY),
        (Reading(NOW + DAY, "a", DAY), Reading(NOW, "a", 0), 0, NOW + DAY),
        (Reading(NOW + 400 * DAY, "a", DAY), Reading(NOW, "a", 0), 0, NOW + 2 * DAY),
        (Reading(NOW + 3 * DAY, "b", DAY), Reading(NOW, "a", 9 * DAY), 0, NOW + 3 * DAY),
        (Reading(NOW + 400 * DAY, "b", 60), Reading(NOW, "a", 9 * DAY), 0, NOW + DAY + 120),
        (Reading(NOW - 400 * DAY, "a", DAY), Reading(NOW, "a", 0), 0, NOW - 400 * DAY),
    ],
)
def test_the_clock_is_believed_as_far_as_time_has_passed(
    now: Reading, last: Reading | None, written: float, until: float
) -> None:
    assert believed(now, last, written) == until


@given(
    waits=st.lists(st.floats(1, 3 * DAY), min_size=1, max_size=40),
    ahead=st.lists(st.floats(-5000 * DAY, 5000 * DAY), min_size=40, max_size=40),
)
def test_no_clock_makes_mail_older_than_twice_the_time_that_passed(
    waits: list[float], ahead: list[float]
) -> None:
    last, uptime = Reading(NOW, "a", 0.0), 0.0
    for wait, wrong in zip(waits, ahead, strict=False):
        uptime += wait
        now = Reading(NOW + uptime + wrong, "a", uptime)
        until = believed(now, last, NOW)
        assert until <= NOW + 2 * uptime + 1e-3
        last = next_note(now, last, until)
        assert last.at >= NOW


def test_a_right_clock_is_believed_again_after_any_wrong_one() -> None:
    last = Reading(NOW, "a", 0.0)
    for day, wrong in enumerate([0, 3000 * DAY, -3000 * DAY, 3000 * DAY, 0, 0, 0, 0], 1):
        now = Reading(NOW + day * DAY + wrong, "a", day * DAY)
        until = believed(now, last, NOW)
        last = next_note(now, last, until)
    assert until == now.at
