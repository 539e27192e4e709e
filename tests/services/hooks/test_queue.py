"""The queue of a hook and its state, with the program in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import threading
import time
from pathlib import Path

import pytest

from services.hooks import state as states
from services.hooks.queue import Queue
from services.hooks.state import LastError, State, Try
from tests.services.hooks.hooks import Hook
from tests.services.hooks.target import OK, Request, Target, status
from tests.waiting import wait_until

ENDS = 12.0
"""Seconds from SIGTERM to the end. It is 3, which a busy machine makes longer. A try alone may take 15."""


def test_each_message_arrives_once_and_leaves_the_queue(hook: Hook, target: Target) -> None:
    before = [hook.store() for _ in range(20)]
    with hook.running():
        wait_until(lambda: len(target.ids) == 20, "20 messages at the target")
        after = hook.store()
        wait_until(lambda: not hook.names(), "an empty queue")
        state = wait_until(lambda: hook.state().get("delivered") == 21 and hook.state(), hook.state)
    assert target.ids == dict.fromkeys([*before, after], 1)
    assert state["tries"] == {}
    assert state["version"] == 1
    assert time.time() - 60 < state["last_success"] <= time.time()


def test_a_slow_target_gets_four_at_once(hook: Hook, target: Target) -> None:
    answers = threading.Event()

    def slow(connection: socket.socket, request: Request) -> None:
        answers.wait()
        connection.sendall(OK)

    target.answer = slow
    for _ in range(9):
        hook.store()
    with hook.running():
        wait_until(lambda: len(target.requests) >= 4, "four requests")
        time.sleep(1)  # Nothing more may come, so there is nothing to wait for.
        assert len(target.requests) == 4
        answers.set()
        wait_until(lambda: not hook.names(), "an empty queue")


def test_what_is_no_message_is_left_alone_and_holds_nothing_up(
    hook: Hook, target: Target, tmp_path: Path
) -> None:
    secret = tmp_path / "shadow"
    secret.write_text("s3cret")
    strange = {"1.link", "1.folder", "1.pipe", "1.dangling"}
    (hook.pending / "1.link").symlink_to(secret)
    (hook.pending / "1.dangling").symlink_to(tmp_path / "nowhere")
    (hook.pending / "1.folder").mkdir()
    os.mkfifo(hook.pending / "1.pipe")
    name = hook.store()
    with subprocess.Popen(hook.command(), stderr=subprocess.PIPE, text=True) as process:
        wait_until(lambda: hook.names() == strange, hook.names)
        wait_until(lambda: hook.state().get("delivered") == 1, hook.state)
        process.terminate()
        _, log = process.communicate()
    assert process.returncode == 0
    assert log.count("event=skipped") == 4
    assert hook.names() == strange
    assert target.ids == {name: 1}
    assert hook.state()["tries"] == {}
    assert not any(b"s3cret" in each.body for each in target.requests)


def test_a_second_process_is_kept_out(hook: Hook) -> None:
    with hook.running():
        wait_until(hook.state, "the first one at work")
        done = hook.run()
    assert done.returncode == 1
    assert done.stderr == (
        f"letterbox-hook: {hook.queue}: another process serves this queue: stop its unit first\n"
    )


def test_sigterm_ends_it_soon_and_cuts_no_success_off(hook: Hook, target: Target) -> None:
    answers = threading.Event()

    def slow(connection: socket.socket, request: Request) -> None:
        answers.wait()
        connection.sendall(OK)

    target.answer = slow
    hook.store()
    with subprocess.Popen(hook.command(), stderr=subprocess.PIPE) as process:
        wait_until(lambda: target.requests, "a request")
        process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        wait_until(lambda: not is_pending(process.pid, signal.SIGTERM), "it takes the signal")
        answers.set()
        assert process.wait() == 0
    assert time.monotonic() - began < ENDS
    assert hook.names() == set()
    assert hook.state()["delivered"] == 1


def test_sigterm_ends_it_soon_if_the_target_does_not_answer(hook: Hook, target: Target) -> None:
    target.answer = lambda connection, request: time.sleep(60)
    name = hook.store()
    with subprocess.Popen(hook.command(), stderr=subprocess.PIPE) as process:
        wait_until(lambda: target.requests, "a request")
        process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        assert process.wait() == 0
    assert time.monotonic() - began < ENDS
    assert hook.names() == {name}


def test_what_failed_for_ten_days_is_kept_in_dead(hook: Hook, target: Target) -> None:
    target.answer = status("500 Internal Server Error")
    now = time.time()
    old, young = hook.store(arrived=now - 865_000), hook.store()
    tries = {old: Try(26, now - 860_000, now, "x")}
    states.save(hook.kept, State(failing_since=now - 860_000, tries=tries))
    with hook.running():
        wait_until(lambda: hook.names() == {young}, hook.names)
        wait_until(lambda: old not in hook.state()["tries"], hook.state)
    assert [each.name for each in hook.dead.iterdir()] == [old]


def test_a_message_that_was_taken_away_is_forgotten(hook: Hook, target: Target) -> None:
    target.answer = status("500 Internal Server Error")
    name = hook.store()
    with hook.running():
        wait_until(lambda: name in hook.state().get("tries", ()), hook.state)
        (hook.pending / name).unlink()
        wait_until(lambda: not hook.state()["tries"], hook.state)


def test_a_message_that_is_in_dead_already_leaves_pending(tmp_path: Path) -> None:
    """rename(2) does nothing if both are links to the same file."""
    hook = Hook(tmp_path)
    name = hook.store()
    os.link(hook.pending / name, hook.dead / name)
    assert Queue(hook.queue).give_up(name)
    assert hook.names() == set()
    assert (hook.dead / name).exists()
    assert not Queue(hook.queue).give_up(name)


@pytest.mark.parametrize(
    "octets",
    [
        b"", b"{", b"[]", b"null", b'{"version": 2, "stopped": "410 Gone"}', b"\xff", b"[" * 100_000,
        b'{"version": 1, "stopped": 5, "tries": {"a": 1, "b": {"count": "x"}}, "last_error": [], '
        b'"delivered": -1, "last_success": NaN}',
    ],
    ids=range(8),
)  # fmt: skip
def test_a_broken_state_costs_nothing_but_an_early_try(hook: Hook, target: Target, octets: bytes) -> None:
    (hook.kept / "state.json").write_bytes(octets)
    assert states.load(hook.kept) == State()
    name = hook.store()
    with hook.running():
        wait_until(lambda: not hook.names(), "an empty queue")
    assert target.ids == {name: 1}
    assert hook.state()["delivered"] == 1


def test_the_state_is_kept_over_a_restart(tmp_path: Path) -> None:
    error = LastError("1.a", "500", 2.5)
    kept = State(None, error, 3.0, 4, 5.0, {"1.a": Try(2, 1.0, 6.0, "500")})
    states.save(tmp_path, kept)
    assert states.load(tmp_path) == kept
    assert stat.S_IMODE((tmp_path / "state.json").stat().st_mode) == 0o644
    (tmp_path / "state.json.new").write_text("of a killed process")
    states.save(tmp_path, State(stopped="410 Gone"))
    assert states.load(tmp_path) == State(stopped="410 Gone")


def test_a_state_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text(json.dumps(State(stopped="410 Gone").to_json()))
    (tmp_path / "state.json").symlink_to(other)
    assert states.load(tmp_path) == State()
    states.save(tmp_path, State())
    assert json.loads(other.read_text())["stopped"] == "410 Gone"


def test_10000_pending_with_a_dead_target_cost_a_few_requests_and_little_else(
    hook: Hook, target: Target
) -> None:
    target.answer = lambda connection, request: None  # It closes the connection at once.
    name = hook.store()
    for number in range(1, 10_000):
        os.link(hook.pending / name, hook.pending / f"{name}{number}")
    with hook.running() as process:
        wait_until(lambda: target.connections >= 4, "the first requests")
        before, began = cpu(process.pid), time.monotonic()
        time.sleep(8)  # what is measured
        share = (cpu(process.pid) - before) / (time.monotonic() - began)
        memory = resident(process.pid)
        print(f"10,000 pending: {share:.1%} of a CPU, {memory:.0f} MiB, {target.connections} connections")
        assert len(hook.names()) == 10_000
        assert share < 0.1
        assert memory < 120
        assert 4 <= target.connections <= 6, "4 at once, and then a probe after 5 and 15 s"
        assert len(hook.state()["tries"]) <= 6


def is_pending(pid: int, number: signal.Signals) -> bool:
    """Whether this signal was sent to a process that has not taken it yet (proc(5))."""
    status = Path(f"/proc/{pid}/status").read_text()
    return any(
        int(line.split()[1], 16) >> (number - 1) & 1
        for line in status.splitlines()
        if line.startswith(("SigPnd:", "ShdPnd:"))
    )


def cpu(pid: int) -> float:
    """Seconds of CPU that a process has used (proc(5))."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident(pid: int) -> float:
    """MiB of memory of a process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise AssertionError("no VmRSS")
