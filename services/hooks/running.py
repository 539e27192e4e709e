"""Running the command of a hook for a message.

No shell runs, and nothing that a sender wrote is an argument. The message is the command's standard input:
the file itself, open for reading. So a command that does not read holds nothing up.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import time
from collections.abc import Sequence

from receiver.reading import stored
from services.hooks.errors import one_line
from services.hooks.messages.envelope import Boxes, Envelope, file_of, mailbox_of, read_envelope
from services.hooks.outcome import Delivered, Outcome, Refused, Vanished
from services.hooks.schedule import Failure

LONGEST = 900.0  # seconds
_POLITE = 2.0  # seconds from SIGTERM to SIGKILL
_MOST_OUTPUT = 8192  # octets that are kept of the output
_MOST_LINES = 20
_PATH = "/usr/local/bin:/usr/bin:/bin"
_TICK = 0.5  # seconds


class Runner:
    """Runs the command. May be called by several threads. `known` are the mailboxes that the hook gets."""

    def __init__(self, words: Sequence[str], known: Boxes, longest: float = LONGEST) -> None:
        self._words, self._known, self._longest = tuple(words), known, longest
        self._running: set[int] = set()

    def __call__(self, name: str, path: str) -> Outcome:
        """Run it for the entry NAME of the queue, which is at `path`.

        Raises OSError if the message cannot be read.
        """
        file = file_of(name, path)
        try:
            found = read_envelope(file, mailbox_of(name, self._known))
            message = stored.open_file(file)
        except FileNotFoundError:
            return Vanished()
        try:
            return self._run(name, found, message)
        except OSError as error:
            return Failure(one_line(f"{self._words[0]} cannot be started: {error.strerror}"))
        finally:
            os.close(message)

    def end(self) -> None:
        """End all commands that are running."""
        for each in tuple(self._running):
            _signal(each, signal.SIGKILL)

    def _run(self, name: str, found: Envelope, message: int) -> Outcome:
        child = subprocess.Popen(
            self._words,
            stdin=message,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=_environment(name, found),
            cwd="/",
            start_new_session=True,
        )
        self._running.add(child.pid)
        assert child.stdout
        output = _Output(child.stdout.fileno())
        try:
            is_late = not _ended(child.pid, output, time.monotonic() + self._longest)
            if is_late:
                _signal(child.pid, signal.SIGTERM)
                _ended(child.pid, output, time.monotonic() + _POLITE)
        finally:
            # What is left of the group ends with the command. The child is not reaped yet, so the number of
            # the group belongs to nobody else.
            _signal(child.pid, signal.SIGKILL)
            self._running.discard(child.pid)
            code = child.wait()
            output.read(0.0)
            child.stdout.close()
        lines = output.lines()
        if is_late:
            return Refused(Failure(f"not ended after {self._longest:g} s"), lines)
        if code == os.EX_OK:
            return Delivered("exit 0", lines)
        # EX_TEMPFAIL and a signal, which has a negative code, may meet the next message, too.
        is_of_message = code > 0 and code != os.EX_TEMPFAIL
        return Refused(Failure(_reason(code, lines), is_of_message=is_of_message), lines)


def _environment(name: str, found: Envelope) -> dict[str, str]:
    return {
        "PATH": _PATH,
        "LANG": "C.UTF-8",
        "MAIL_ID": name,
        "MAIL_FROM": found.sender,
        "MAIL_TO": found.recipient,
        "MAIL_BOX": found.mailbox,
    }


def _reason(code: int, lines: Sequence[str]) -> str:
    if code < 0:
        with contextlib.suppress(ValueError):
            return f"ended by {signal.Signals(-code).name}"
        return f"ended by signal {-code}"
    word = " (temporary failure)" if code == os.EX_TEMPFAIL else ""
    return one_line(f"exit code {code}{word}{f': {lines[-1]}' if lines else ''}")


def _ended(pid: int, output: _Output, until: float) -> bool:
    """Wait until a child has ended, without reaping it, and read its output. False if it has not in time."""
    ended = os.pidfd_open(pid)
    try:
        while (left := until - time.monotonic()) > 0:
            waiting = [ended, output.fd] if output.is_open else [ended]
            ready, _, _ = select.select(waiting, [], [], min(left, _TICK))
            if output.fd in ready:
                output.read_block()
            if ended in ready:
                return True
        return False
    finally:
        os.close(ended)


def _signal(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


class _Output:
    """The output of a command: the first octets are kept, and the others are read and dropped."""

    def __init__(self, fd: int) -> None:
        self.fd, self.is_open = fd, True
        self._kept = b""
        os.set_blocking(fd, False)

    def read_block(self) -> bool:
        """Read what is there. False if there is nothing now."""
        try:
            block = os.read(self.fd, 65_536)
        except BlockingIOError:
            return False
        self.is_open = bool(block)
        self._kept += block[: _MOST_OUTPUT - len(self._kept)]
        return self.is_open

    def read(self, seconds: float) -> None:
        """Read what the command left in the pipe, which holds a bounded number of octets."""
        until = time.monotonic() + seconds
        while (
            self.is_open
            and self.read_block()
            and (time.monotonic() < until or len(self._kept) < _MOST_OUTPUT)
        ):
            pass

    def lines(self) -> tuple[str, ...]:
        """The first lines that are not blank, each safe for the log."""
        text = self._kept.decode("utf-8", "replace")
        return tuple(line for each in text.splitlines() if (line := one_line(each)))[:_MOST_LINES]
