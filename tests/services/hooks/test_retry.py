"""A hook that is stopped, and what `letterbox hooks --retry` has its process try."""

from __future__ import annotations

import os
import time
from pathlib import Path

from receiver import hook_queue
from receiver.hooks import changes
from services.hooks import state as states
from services.hooks.queue import Queue
from services.hooks.state import State, Try
from tests.services.hooks.hooks import Hook
from tests.services.hooks.target import Target, status
from tests.waiting import wait_until


def test_410_stops_the_hook_over_restarts_until_retry(hook: Hook, target: Target) -> None:
    target.answer = status("410 Gone")
    names = {hook.store(), hook.store()}
    with hook.running():
        wait_until(lambda: hook.state().get("stopped") == "410 Gone", hook.state)
    seen = target.connections
    target.answer = status("200 OK")
    with hook.running():
        names.add(hook.store())
        assert len(names) == 3
        time.sleep(1)  # Nothing may come, so there is nothing to wait for.
        assert target.connections == seen
        (hook.kept / "retry").touch()
        wait_until(lambda: not hook.names(), "an empty queue")
        assert not (hook.kept / "retry").exists()
        wait_until(lambda: hook.state()["delivered"] == 3, hook.state)
    assert hook.state()["stopped"] is None
    assert hook.state()["last_error"]["error"] == "410 Gone"


def test_retry_of_one_id_tries_this_one_alone_also_while_the_hook_is_stopped(
    hook: Hook, target: Target
) -> None:
    names = [hook.store() for _ in range(3)]
    later = time.time() + 3600
    tries = {each: Try(4, later - 9000, later, "x") for each in names}
    states.save(hook.kept, State(stopped="410 Gone", tries=tries))
    with hook.running():
        changes.retry(hook_queue.Queue(hook.queue), [names[1]])
        wait_until(lambda: names[1] not in hook.names(), hook.names)
        wait_until(lambda: hook.state().get("delivered") == 1, hook.state)
        assert not list(hook.kept.glob("retry*"))
    assert target.ids == {names[1]: 1}
    assert hook.state()["stopped"] == "410 Gone"
    assert {each: Try(**tried) for each, tried in hook.state()["tries"].items()} == {
        each: tries[each] for each in (names[0], names[2])
    }


def test_retry_takes_ids_once_and_what_cannot_be_read_stands_for_all(tmp_path: Path) -> None:
    waiting, asked = Queue(tmp_path), tmp_path / "state" / "retry"
    asked.parent.mkdir()
    assert waiting.take_retry() is None
    asked.write_text("1.a\n2.b\n")
    assert waiting.take_retry() == {"1.a", "2.b"}
    assert waiting.take_retry() is None
    asked.touch()
    assert waiting.take_retry() == frozenset()
    asked.symlink_to("/etc/passwd")
    assert waiting.take_retry() == frozenset()
    os.mkfifo(asked)
    writer = os.open(asked, os.O_RDWR)
    assert waiting.take_retry() == frozenset()
    os.close(writer)
    assert list(asked.parent.iterdir()) == []
