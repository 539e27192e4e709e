"""The backlog of hooks: what is well, what is not, and what cannot be told."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from receiver.heartbeat.finding import Finding
from receiver.heartbeat.hooks import check

NOW = 1_795_700_000.0


def pending(queue: Path, age: float, folder: str = "pending") -> None:
    for part in ("pending", folder):
        (queue / part).mkdir(parents=True, exist_ok=True)
    (queue / folder / f"{NOW - age:.0f}.abc.mx1.example.com.0123abcd").touch()


def state(queue: Path, content: str) -> Path:
    for part in ("pending", "state"):
        (queue / part).mkdir(parents=True, exist_ok=True)
    (queue / "state" / "state.json").write_text(content)
    return queue / "pending"


def linked(queue: Path, target: str) -> None:
    state(queue, "{}").rmdir()
    (queue / "pending").symlink_to(target)


def piped(queue: Path) -> None:
    state(queue, "{}")
    (queue / "state" / "state.json").unlink()
    os.mkfifo(queue / "state" / "state.json")


@pytest.mark.parametrize(
    ("make", "well", "words"),
    [
        (lambda queue: None, None, "orders: cannot be told (pending: No such file"),
        (lambda queue: state(queue, "{}").rmdir(), None, "orders: cannot be told (pending: No such file"),
        (lambda queue: linked(queue, "nowhere"), None, "orders: cannot be told (pending: no folder)"),
        (lambda queue: linked(queue, "state"), None, "orders: cannot be told (pending: no folder)"),
        (lambda queue: piped(queue), None, "orders: cannot be told (state.json: no regular file)"),
        (lambda queue: pending(queue, 3500), True, "1 wait"),
        (lambda queue: pending(queue, 7300), False, "orders: 1 wait, the oldest for 2.0 h"),
        (lambda queue: pending(queue, 0, "dead"), False, "orders: 1 given up"),
        (
            lambda queue: state(queue, json.dumps({"version": 1, "stopped": "410 Gone"})),
            False,
            "orders: stopped (410 Gone)",
        ),
        (lambda queue: state(queue, json.dumps({"version": 1, "stopped": None})), True, "0 wait"),
        (lambda queue: state(queue, "{"), None, "orders: cannot be told (state.json: Expecting"),
        (lambda queue: queue.symlink_to("/dev/null"), None, "orders: cannot be told (pending: Not a dir"),
    ],
    ids=[
        "none yet",
        "no pending",
        "dangling",
        "link",
        "pipe",
        "young",
        "old",
        "dead",
        "stopped",
        "goes on",
        "broken state",
        "no folder",
    ],
)
def test_the_backlog_is_judged(
    tmp_path: Path, make: Callable[[Path], object], well: bool | None, words: str
) -> None:
    (tmp_path / ".hooks").mkdir()
    make(tmp_path / ".hooks" / "orders")
    found = check(tmp_path, ["orders"], NOW)
    assert (found.well, words in found.words) == (well, True), found


def test_a_queue_that_is_broken_hides_no_other(tmp_path: Path) -> None:
    state(tmp_path / ".hooks" / "archive", "[]")
    pending(tmp_path / ".hooks" / "orders", 7300)
    found = check(tmp_path, ["orders", "archive"], NOW)
    assert found.well is False
    assert "archive: cannot be told" in found.words and "orders: 1 wait" in found.words


def test_a_queue_of_no_hook_does_not_count(tmp_path: Path) -> None:
    """It stays until `letterbox hooks --drop`, and nobody waits for it."""
    pending(tmp_path / ".hooks" / "old", 1e6)
    (tmp_path / ".hooks" / "orders" / "pending").mkdir(parents=True)
    assert check(tmp_path, ["orders"], NOW) == Finding("hooks", True, "0 wait, none for more than 60 min")
