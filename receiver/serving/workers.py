"""Several processes that serve the same listening sockets, and the one that starts them.

The supervisor passes signals on, is to the service manager what a single receiver would be, and replaces a
worker that dies. It has no thread and no lock: a fork copies nothing that is in use.
"""

from __future__ import annotations

import contextlib
import gc
import os
import select
import signal
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass

from receiver.serving.tally import Tally
from receiver.storage.writer_process import WriterProcess
from receiver.system import systemd
from receiver.system.journal import log
from receiver.system.libc import die_with_parent

_STOP = {signal.SIGTERM, signal.SIGINT}
_HANDLED = {*_STOP, signal.SIGHUP, signal.SIGCHLD}
_PAUSE = 1.0  # seconds before a worker that died is replaced


@dataclass(frozen=True, slots=True)
class Worker:
    """What a worker is told: its number, and its channel to the process that stores."""

    number: int
    channel: socket.socket


class Supervisor:
    """`code` is the exit code, once all have ended."""

    def __init__(
        self, workers: int, tally: Tally, listening: Sequence[socket.socket], writer: WriterProcess
    ) -> None:
        self.code = 0
        self._workers, self._tally, self._listening, self._writer = workers, tally, listening, writer
        self._due = dict.fromkeys(range(workers), 0.0)  # workers to be started, and when
        self._running: dict[int, int] = {}  # by process id: which worker it is
        self._have_served: set[int] = set()  # process ids
        self._ready: set[int] = set()  # those that serve, and have reloaded what they were told to
        self._owes_ready = self._starting = True
        self._stopping = False
        self._signals, self._wakes = socket.socketpair()
        # What workers say of themselves. It has no name, so nobody else can say anything.
        self._told, self._tells = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)

    def worker(self) -> Worker | None:
        """Returns in each worker, with what it is; and once, None, in the supervisor when all have ended."""
        for each in (self._signals, self._wakes, self._told, self._tells):
            each.setblocking(False)
        signal.set_wakeup_fd(self._wakes.fileno(), warn_on_full_buffer=False)
        for number in _HANDLED:
            signal.signal(number, lambda *_: None)
        gc.freeze()  # what is there by now is shared with the workers, not copied
        events = select.poll()
        for each in (self._signals, self._told):
            events.register(each, select.POLLIN)
        while self._running or self._due:
            now = time.monotonic()
            for worker in [worker for worker, when in self._due.items() if when <= now]:
                del self._due[worker]
                if channel := self._became(worker):
                    return Worker(worker, channel)
            events.poll(max(0.0, min(self._due.values()) - now) * 1000 if self._due else None)
            self._hear()
            self._obey()
        return None

    def _became(self, worker: int) -> socket.socket | None:
        """Start a worker: in the worker its channel to the writer, None here."""
        supervisor = os.getpid()
        # A signal that met our handlers in the new process would be lost.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, _HANDLED)
        try:
            channel = self._writer.channel()
            process = os.fork()
            if not process:
                self._leave(supervisor)
                return channel
            channel.close()
            self._running[process] = worker
        except OSError as error:
            _say(worker=worker, error=error, note="it cannot be started")
            if self._starting:
                self._stop(1)
            else:
                self._due[worker] = time.monotonic() + _PAUSE
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        return None

    def _leave(self, supervisor: int) -> None:
        """In a new process: let go of all that is the supervisor's."""
        die_with_parent(supervisor)
        signal.set_wakeup_fd(-1)
        for number in _HANDLED:
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until it serves: what it reads is new anyway
        for each in (self._signals, self._wakes, self._told):
            each.close()
        self._writer.close_control()
        own = b"%d\n" % os.getpid()
        systemd.tell_instead(lambda states: self._tells.send(own + states))

    def _hear(self) -> None:
        """What workers say; the service manager is told when the last of them is ready, and only then."""
        with contextlib.suppress(BlockingIOError):
            while True:
                process, _, states = self._told.recv(4096).partition(b"\n")
                if states.startswith(b"READY=1") and int(process) in self._running:
                    self._ready.add(int(process))
                    self._have_served.add(int(process))
                    if self._owes_ready and len(self._ready) == self._workers:
                        self._owes_ready = self._starting = False
                        systemd.notify(states.decode())

    def _obey(self) -> None:
        """The signals that came. An end goes first: after it nobody is replaced."""
        came: set[int] = set()
        with contextlib.suppress(BlockingIOError):
            came = set(self._signals.recv(4096))
        if came & _STOP:
            self._stop()
        if signal.SIGHUP in came and not self._stopping:
            self._ready.clear()
            self._owes_ready = True
            systemd.notify_reloading()
            self._pass_on(signal.SIGHUP)
        if signal.SIGCHLD in came:
            self._bury()

    def _stop(self, code: int = 0) -> None:
        self.code = self.code or code
        if self._stopping:
            return
        self._stopping = True
        self._due.clear()
        systemd.notify("STOPPING=1")
        for each in self._listening:
            each.close()  # the workers do the same: without us, nobody would be refused
        self._pass_on(signal.SIGTERM)

    def _pass_on(self, number: int) -> None:
        for process in self._running:
            os.kill(process, number)

    def _bury(self) -> None:
        """Wait for those that ended, and replace them, or end with them."""
        while self._running:
            process, status = os.waitpid(-1, os.WNOHANG)
            if not process:
                return
            if process == self._writer.id:
                _say(process=process, error="the process that stores mail has ended", note="so do all")
                self._stop(1)
                continue
            self._hear()  # its last words
            worker = self._running.pop(process)
            self._ready.discard(process)
            self._tally.forget(worker)
            code = os.waitstatus_to_exitcode(status)
            if self._stopping:
                # Before it served, and after it stopped, SIGTERM does to it what it does to any process.
                self.code = self.code or (0 if -code in _STOP else _exit_code(code))
            elif process in self._have_served or (code < 0 and not self._starting):
                _say(worker=process, code=code, note="another one takes its place")
                self._due[worker] = time.monotonic() + _PAUSE
            else:
                self._stop(_exit_code(code) or 1)  # it cannot serve, and has said why
            self._have_served.discard(process)


def _exit_code(code: int) -> int:
    """A signal's is 128 more than its number, as a shell has it."""
    return code if code >= 0 else 128 - code


def _say(**values: object) -> None:
    """A line for the log, unless it would have to wait: signals would wait with it."""
    with contextlib.suppress(OSError, ValueError):
        if select.select([], [2], [], 0)[1]:
            log("error", **values)
