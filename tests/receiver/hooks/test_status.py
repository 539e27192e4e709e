"""How a hook stands, and what the doctor says of it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from receiver.doctor.services.hooks import judge
from receiver.hooks import status
from receiver.hooks.configured import configured
from receiver.hooks.status import Configured, Error, Status
from tests.receiver.hooks.queues import queue, remember

TOLD = Configured(("alice@example.com",), target="https://app.example.net", unit="active")
FINE = Status("orders", TOLD)
NOW = 1_800_000_000.0


def test_a_queue_tells_what_waits_since_when_and_what_was_given_up(tmp_path: Path) -> None:
    made = queue(tmp_path, pending=3, dead=2, age=600)
    first = made.pending_names()[0]
    error = {"id": first, "error": "500 Internal Server Error", "at": 17.0}
    remember(made, stopped="410 Gone", last_error=error, tries={first: {"next": 42}, "gone": {"next": 7}})
    found = status.status(made, TOLD)
    assert (found.backlog, found.dead, found.stopped, found.next_try) == (3, 2, "410 Gone", 42.0)
    assert found.last_error == Error(first, "500 Internal Server Error", 17.0)
    assert 599 <= time.time() - (found.oldest or 0) < 700


def test_a_configured_hook_without_a_queue_is_unknown_and_says_what_to_do(tmp_path: Path) -> None:
    queue(tmp_path).pending.rmdir()
    found = status.read(tmp_path, {"orders": TOLD, "other": TOLD})
    missing = "pending: No such file or directory"
    assert found == [Status(name, TOLD, unread=missing) for name in ("orders", "other")]
    for each in found:
        link = judge([each], NOW)
        assert link.is_unknown and missing in link.evidence and "deploy" in link.look


def test_a_hook_that_is_configured_no_more_needs_no_queue(tmp_path: Path) -> None:
    queue(tmp_path, "old", dead=1).pending.rmdir()
    assert [(each.dead, each.unread) for each in status.read(tmp_path, {})] == [(1, "")]


def test_a_queue_that_nobody_serves_is_named_as_long_as_it_holds_messages(tmp_path: Path) -> None:
    queue(tmp_path, "old", pending=1)
    queue(tmp_path, "empty")
    (found,) = status.read(tmp_path, {})
    assert (found.name, found.configured, found.backlog) == ("old", None, 1)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"version": 2}', '{"version": 1}' + "]" * 9, "[" * 100_000, "\udcff"]
)
def test_a_state_that_cannot_be_read_is_unknown_and_never_good(tmp_path: Path, text: str) -> None:
    made = queue(tmp_path, pending=1)
    made.state.write_bytes(text.encode("utf-8", "surrogateescape"))
    found = status.status(made, TOLD)
    assert (found.backlog, bool(found.unread)) == (1, True)
    assert judge([found], time.time()).is_unknown


@pytest.mark.parametrize(
    "make",
    [lambda path: path.symlink_to("/etc/passwd"), os.mkfifo, Path.mkdir],
    ids=["link", "pipe", "folder"],
)
def test_a_state_that_is_no_regular_file_is_not_read(tmp_path: Path, make: Callable[[Path], object]) -> None:
    made = queue(tmp_path)
    make(made.state)
    assert "state.json" in status.status(made, TOLD).unread


def test_a_pipe_that_somebody_writes_to_is_no_state(tmp_path: Path) -> None:
    made = queue(tmp_path)
    os.mkfifo(made.state)
    writer = os.open(made.state, os.O_RDWR)
    assert status.status(made, TOLD).unread == "state.json: no regular file"
    os.write(writer, b'{"version": 1}')
    assert status.status(made, TOLD).unread == "state.json: no regular file"
    os.close(writer)


def test_a_queue_with_a_link_in_the_place_of_a_folder_is_unknown_and_hides_no_other(tmp_path: Path) -> None:
    made, other = queue(tmp_path), queue(tmp_path, "other", pending=1)
    made.pending.rmdir()
    made.pending.symlink_to(other.pending)
    broken, fine = status.read(tmp_path, {"orders": TOLD, "other": TOLD})
    assert (broken.unread, broken.backlog, fine.backlog) == ("pending: no folder", 0, 1)
    assert judge([broken], time.time()).is_unknown


@pytest.mark.parametrize("wrong", [{"stopped": 1}, {"last_error": "x"}, {"tries": []}, {"last_success": "y"}])
def test_a_value_of_another_kind_is_left_out(tmp_path: Path, wrong: dict[str, object]) -> None:
    made = queue(tmp_path)
    remember(made, **wrong)
    found = status.status(made, TOLD)
    assert (found.stopped, found.last_error, found.next_try, found.last_success) == ("", None, None, None)


def test_the_target_is_shown_without_its_path_which_may_be_a_secret(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('url = "https://hooks.example.net/T0/hush?key=hush"')
    (tmp_path / "b.toml").write_text('command = ["/usr/local/bin/sort-it", "-v"]')
    found = configured({"hooks": {"a": {}, "b": {}, "c": {}}}, tmp_path)
    assert [each.target for each in found.values()] == [
        "https://hooks.example.net", "/usr/local/bin/sort-it", "",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("stands", "said", "fix"),
    [
        ({"configured": replace(TOLD, unit="failed")}, "is failed", "systemctl enable --now"),
        ({"configured": replace(TOLD, unit="inactive")}, "is inactive", "systemctl enable --now"),
        ({"stopped": "410 Gone"}, "its target answered 410 Gone", "--retry orders"),
        ({"dead": 2}, "has given up 2 message(s)", "--drop orders forgets"),
        ({"backlog": 1, "oldest": NOW - 3601}, "1 message(s) wait, for 1 h", "see that its target"),
    ],
)
def test_a_hook_that_does_not_deliver_is_a_broken_link(
    stands: dict[str, object], said: str, fix: str
) -> None:
    link = judge([FINE, replace(FINE, **stands)], NOW)  # type: ignore[arg-type]
    assert (link.is_broken, said in link.evidence, fix in link.fix) == (True, True, True), link


def test_hooks_that_deliver_hold_also_while_something_waits_and_beside_an_old_queue() -> None:
    old = replace(FINE, name="old", configured=None, backlog=2, oldest=1.0)
    link = judge([replace(FINE, backlog=1, oldest=NOW - 3599), old], NOW)
    assert link.holds
    assert link.evidence == (
        "1 hook(s) run, 1 message(s) wait; hook old is not configured any more, and has 2 message(s)"
    )


def test_a_unit_that_systemd_says_nothing_of_is_unknown() -> None:
    assert judge([replace(FINE, configured=replace(TOLD, unit=""))], NOW).is_unknown
