"""The log: a line for each event on standard error, such as `event=received id=… from=…`, for the journal.

Values that contain other than plain characters are quoted. Control characters never reach the log, so no
sender can forge a line. Nothing here raises because of what a sender wrote. While the receiver serves, a
thread writes the lines. If the journal does not take them, lines are lost but mail goes on.
"""

from __future__ import annotations

import contextlib
import os
import queue
import re
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from select import PIPE_BUF

_PLAIN = re.compile(r"[!#-<>-\[\]-~]+")
_UNSAFE = re.compile(r'[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff"\\]')
LONGEST = 200  # characters of one value
_MOST_WAITING = 10_000  # lines
_MOST_AT_ONCE = 500  # lines of one write
_GATHER = 0.05  # seconds in which lines for one write gather
_LAST_LINES = 2.0  # seconds at the end in which the last lines may be written


def log(event: str, **values: object) -> None:
    """Write one line. Values that are None are left out. A key may end in `_`, which is left out too."""
    line = f"event={event}"
    for key, value in values.items():
        if value is not None:
            line += f" {key.rstrip('_')}={quoted(value)}"
    line += "\n"
    if _background:
        _background.take(line)
        return
    try:
        sys.stderr.write(line)
        sys.stderr.flush()
    except (OSError, ValueError, AttributeError):
        pass  # Standard error is closed, or missing. Mail goes on without the log.


@contextlib.contextmanager
def in_background() -> Iterator[None]:
    """A thread writes the lines of this context. At its end, the last lines are written within a moment."""
    global _background
    _background = background = _BackgroundLog()
    try:
        yield
    finally:
        _background = None
        background.end()


class _BackgroundLog:
    """Lines that wait until a thread writes them. If too many wait, further ones are dropped and counted."""

    def __init__(self) -> None:
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._dropped = 0
        self._thread = threading.Thread(target=self._write, name="journal", daemon=True)
        self._thread.start()

    def take(self, line: str | None) -> None:
        if line is not None and self._lines.qsize() >= _MOST_WAITING:
            self._dropped += 1
        else:
            self._lines.put(line)

    def end(self) -> None:
        self.take(None)
        self._thread.join(_LAST_LINES)

    def _write(self) -> None:
        ended = False
        while not ended:
            lines = [self._lines.get()]
            time.sleep(_GATHER)  # so that one write, and one waking of this thread, serves many lines
            with contextlib.suppress(queue.Empty):
                while len(lines) < _MOST_AT_ONCE:
                    lines.append(self._lines.get_nowait())
            ended = None in lines
            if self._dropped:
                lines.insert(0, f"event=dropped lines={self._dropped}\n")
                self._dropped = 0
            for octets in writes(line.encode("utf-8", "replace") for line in lines if line):
                # sys.stderr is not used, because its lock, held by a stuck thread, would block our exit.
                with contextlib.suppress(OSError):
                    while octets:
                        octets = octets[os.write(2, octets) :]


def writes(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Join whole lines into pieces of at most PIPE_BUF octets, which the kernel writes at once (pipe(7)).

    So the lines of several workers do not mix. A longer line is a piece of its own.
    """
    gathered = b""
    for line in lines:
        if gathered and len(gathered) + len(line) > PIPE_BUF:
            yield gathered
            gathered = b""
        gathered += line
    if gathered:
        yield gathered


_background: _BackgroundLog | None = None


def quoted(value: object) -> str:
    """A value for a line of the log: as it is if it is plain, else in double quotes with escapes."""
    kind = value.__class__
    if kind is int:
        return str(value)
    text: str = value if kind is str else f"{value:.3f}" if kind is float else str(value)  # type: ignore[assignment]
    if len(text) > LONGEST:
        text = text[:LONGEST] + "…"
    if _PLAIN.fullmatch(text):
        return text
    return '"' + _UNSAFE.sub(_escape, text) + '"'


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    return "\\" + character if character in '"\\' else f"\\u{ord(character):04x}"
