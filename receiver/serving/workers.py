"""Several workers that serve the same listening sockets, and the supervisor that starts them.

The supervisor replaces a worker that dies, passes signals on to the workers, and talks to systemd for all of
them, so systemd sees one receiver. It has no thread and no lock, so a fork copies no lock that is held.
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
    """What a worker gets from the supervisor: its number, and its channel to the writer, if there is one."""

    number: int
    channel: socket.socket | None


class Supervisor:
    """Starts workers and replaces them. `code` is the exit code after the last worker has ended.

    `writer` is None if no process of the host stores mail.
    """

    def __init__(
        self, workers: int, tally: Tally, listening: Sequence[socket.socket], writer: WriterProcess | None
    ) -> None:
        self.code = 0
        self._workers, self._tally, self._listening, self._writer = workers, tally, listening, writer
        self._due = dict.fromkeys(range(workers), 0.0)  # the workers to start, by number, and when
        self._running: dict[int, int] = {}  # the number of each worker that runs, by process id
        self._have_served: set[int] = set()  # process ids of workers that were ready once
        self._ready: set[int] = set()  # process ids of workers that are ready, since the last SIGHUP
        self._owes_ready = self._starting = True
        self._stopping = False
        self._signals, self._signals_in = socket.socketpair()
        # Workers send their notifications here. The socket pair has no name, so nobody else can send any.
        self._states, self._states_in = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)

    def run(self) -> Worker | None:
        """Fork the workers, and serve signals until all have ended.

        Like fork(2) this returns more than once: with a Worker in each worker, and with None in the
        supervisor after the last worker has ended.
        """
        for each in (self._signals, self._signals_in, self._states, self._states_in):
            each.setblocking(False)
        signal.set_wakeup_fd(self._signals_in.fileno(), warn_on_full_buffer=False)
        for number in _HANDLED:
            signal.signal(number, lambda *_: None)
        # A collection would write to the header of each object, and so copy the memory that workers share.
        gc.freeze()
        events = select.poll()
        for each in (self._signals, self._states):
            events.register(each, select.POLLIN)
        while self._running or self._due:
            now = time.monotonic()
            for worker in [worker for worker, when in self._due.items() if when <= now]:
                del self._due[worker]
                if forked := self._fork_worker(worker):
                    return forked
            events.poll(max(0.0, min(self._due.values()) - now) * 1000 if self._due else None)
            self._read_states()
            self._handle_signals()
        return None

    def _fork_worker(self, worker: int) -> Worker | None:
        """Fork a worker. Returns what it gets in the worker, and None in the supervisor."""
        supervisor = os.getpid()
        # Without the mask, our handlers would swallow a signal that reaches the new process.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, _HANDLED)
        try:
            channel = self._writer.channel() if self._writer else None
            process = os.fork()
            if not process:
                self._detach(supervisor)
                return Worker(worker, channel)
            if channel:
                channel.close()
            self._running[process] = worker
        except OSError as error:
            _log_error(worker=worker, error=error, note="it cannot be started")
            if self._starting:
                self._stop(1)
            else:
                self._due[worker] = time.monotonic() + _PAUSE
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        return None

    def _detach(self, supervisor: int) -> None:
        """Undo the supervisor's set-up in a new worker, and send its notifications to the supervisor."""
        die_with_parent(supervisor)
        signal.set_wakeup_fd(-1)
        for number in _HANDLED:
            signal.signal(number, signal.SIG_DFL)
        # A new worker reads the certificate anyway, so it ignores SIGHUP until it serves.
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        for each in (self._signals, self._signals_in, self._states):
            each.close()
        if self._writer:
            self._writer.close_control()
        own = b"%d\n" % os.getpid()
        systemd.redirect_notifications(lambda states: self._states_in.send(own + states))

    def _read_states(self) -> None:
        """Read what workers notify. systemd is notified once all workers are ready."""
        with contextlib.suppress(BlockingIOError):
            while True:
                process, _, states = self._states.recv(4096).partition(b"\n")
                if states.startswith(b"READY=1") and int(process) in self._running:
                    self._ready.add(int(process))
                    self._have_served.add(int(process))
                    if self._owes_ready and len(self._ready) == self._workers:
                        self._owes_ready = self._starting = False
                        systemd.notify(states.decode())

    def _handle_signals(self) -> None:
        """Handle the signals that have come. Stopping comes first, because then no worker is replaced."""
        signals: set[int] = set()
        with contextlib.suppress(BlockingIOError):
            signals = set(self._signals.recv(4096))
        if signals & _STOP:
            self._stop()
        if signal.SIGHUP in signals and not self._stopping:
            self._ready.clear()
            self._owes_ready = True
            systemd.notify_reloading()
            self._pass_on(signal.SIGHUP)
        if signal.SIGCHLD in signals:
            self._reap()

    def _stop(self, code: int = 0) -> None:
        self.code = self.code or code
        if self._stopping:
            return
        self._stopping = True
        self._due.clear()
        systemd.notify("STOPPING=1")
        for each in self._listening:
            each.close()  # While we hold a socket open, the kernel accepts connections that no worker serves.
        self._pass_on(signal.SIGTERM)

    def _pass_on(self, number: int) -> None:
        for process in self._running:
            os.kill(process, number)

    def _reap(self) -> None:
        """Wait for the processes that have ended (wait(2)). Replace them, or stop because of them."""
        while self._running:
            process, status = os.waitpid(-1, os.WNOHANG)
            if not process:
                return
            if self._writer and process == self._writer.id:
                _log_error(
                    process=process,
                    error="the process that stores mail has ended",
                    note="all workers end too",
                )
                self._stop(1)
                continue
            self._read_states()  # It may have become ready just before it ended.
            worker = self._running.pop(process)
            self._ready.discard(process)
            self._tally.forget(worker)
            code = os.waitstatus_to_exitcode(status)
            if self._stopping:
                # SIGTERM kills a worker that has no handler for it: before it serves, and after it has
                # stopped.
                self.code = self.code or (0 if -code in _STOP else _exit_code(code))
            elif process in self._have_served or (code < 0 and not self._starting):
                _log_error(worker=process, code=code, note="another one takes its place")
                self._due[worker] = time.monotonic() + _PAUSE
            else:
                self._stop(_exit_code(code) or 1)  # It cannot serve, and has logged the reason.
            self._have_served.discard(process)


def _exit_code(code: int) -> int:
    """The exit code as a shell has it: for a signal 128 more than its number."""
    return code if code >= 0 else 128 - code


def _log_error(**values: object) -> None:
    """Log an error, unless that would block, because the supervisor must go on handling signals."""
    with contextlib.suppress(OSError, ValueError):
        if select.select([], [2], [], 0)[1]:
            log("error", **values)
