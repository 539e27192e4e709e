"""A supervisor and its workers during their start: their descriptors, and signals that come meanwhile."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.receiver.processes import DEADLINE, ROOT, environment, wait_until
from tests.receiver.server import Server


def started(manager: socket.socket, folder: Path, workers: int) -> subprocess.Popen[bytes]:
    """Start a receiver, with its log in the folder, and do not wait for it."""
    command = [sys.executable, "-m", "receiver", "serve", "--listen", "127.0.0.1:0", "--mail", str(folder)]
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(
            [*command, "--workers", str(workers)],
            cwd=ROOT, stderr=log, env=environment() | {"NOTIFY_SOCKET": manager.getsockname()},
        )  # fmt: skip


def open_files(process: int) -> set[str]:
    files = set()
    for each in Path(f"/proc/{process}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            files.add(str(each.readlink()))
    return files


def test_ready_is_notified_once_when_all_workers_serve(manager: socket.socket, tmp_path: Path) -> None:
    process = started(manager, tmp_path, 6)
    try:
        assert manager.recv(4096).startswith(b"READY=1\nSTATUS=Receiving mail on 127.0.0.1:")
        workers = Server(process, 0, tmp_path).workers()
        assert len(workers) == 6
        for worker in workers:  # the last thing that a worker opens before it serves
            assert [each for each in open_files(worker) if "/.owners/" in each]
        process.send_signal(signal.SIGTERM)
        assert manager.recv(4096) == b"STOPPING=1"
        assert process.wait(DEADLINE) == 0
        manager.setblocking(False)
        with pytest.raises(BlockingIOError):
            manager.recv(4096)
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("children", range(1, 7))
def test_a_signal_while_workers_start_is_not_lost(
    manager: socket.socket, tmp_path: Path, children: int
) -> None:
    process = started(manager, tmp_path, 6)
    server = Server(process, 0, tmp_path)
    try:
        wait_until(lambda: len(server.workers()) >= children, f"{children} are forked")
        process.send_signal(signal.SIGHUP)
        while not (said := manager.recv(4096)).startswith(b"RELOADING=1\n"):
            assert said.startswith(b"READY=1\n"), "all of them were faster than the signal"
        process.send_signal(signal.SIGTERM)
        assert process.wait(DEADLINE) == 0, server.log
        assert "Traceback" not in server.log
    finally:
        process.kill()
        process.wait()


def test_sighup_while_workers_start_harms_no_worker(manager: socket.socket, tmp_path: Path) -> None:
    process = started(manager, tmp_path, 6)
    server = Server(process, 0, tmp_path)
    try:
        for children in range(1, 7):
            wait_until(lambda least=children: len(server.workers()) >= least, "the next")  # type: ignore[misc]
            process.send_signal(signal.SIGHUP)
        while not (said := manager.recv(4096)).startswith(b"READY=1"):
            assert said.startswith(b"RELOADING=1\n")
        assert len(server.workers()) == 6
    finally:
        process.terminate()
        assert process.wait(DEADLINE) == 0, server.log


def test_a_worker_holds_nothing_of_the_supervisor_which_has_one_thread(serve: Callable[..., Server]) -> None:
    server = serve(workers=2)
    assert len(list(Path(f"/proc/{server.process.pid}/task").iterdir())) == 1
    own, first, second = (
        {each for each in open_files(process) if each.startswith("socket:")}
        for process in (server.process.pid, *server.workers())
    )
    listening = 1
    assert len(own & first) == listening + 1  # and the end of the pair that it speaks into
    assert first & second == own & first
