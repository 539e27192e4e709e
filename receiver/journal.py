"""The log: one line an event on standard error, `event=received id=… from=…`, for the system's journal.

Values with anything but plain characters are quoted; control characters never reach the log, so that no
sender can forge a line. Nothing here raises for what a sender wrote. While the receiver serves, a thread
writes: a journal that does not take our lines costs lines, never mail.
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
_WAITING = 10_000  # lines
_AT_ONCE = 500  # lines
_GATHER = 0.05  # seconds
_FAREWELL = 2.0  # seconds for the last lines to be taken


def log(event: str, **values: object) -> None:
    """Write one line. None values are left out."""
    line = f"event={event}"
    for key, value in values.items():
        if value is not None:
            line += f" {key.rstrip('_')}={quoted(value)}"
    line += "\n"
    if _writer:
        _writer.take(line)
        return
    try:
        sys.stderr.write(line)
        sys.stderr.flush()
    except (OSError, ValueError, AttributeError):
        pass  # nowhere left to say it (sys.stderr may be closed, or None); the mail goes on


@contextlib.contextmanager
def in_background() -> Iterator[None]:
    """Lines are written by a thread until the context ends, and for a moment after it."""
    global _writer
    _writer = writer = _Writer()
    try:
        yield
    finally:
        _writer = None
        writer.end()


class _Writer:
    """Lines wait here for standard error; when too many do, those that come are counted, and left out."""

    def __init__(self) -> None:
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._dropped = 0
        self._thread = threading.Thread(target=self._write, name="journal", daemon=True)
        self._thread.start()

    def take(self, line: str | None) -> None:
        if line is not None and self._lines.qsize() >= _WAITING:
            self._dropped += 1
        else:
            self._lines.put(line)

    def end(self) -> None:
        self.take(None)
        self._thread.join(_FAREWELL)

    def _write(self) -> None:
        ended = False
        while not ended:
            lines = [self._lines.get()]
            time.sleep(_GATHER)  # one write, and one waking of this thread, for all that come meanwhile
            with contextlib.suppress(queue.Empty):
                while len(lines) < _AT_ONCE:
                    lines.append(self._lines.get_nowait())
            ended = None in lines
            if self._dropped:
                lines.insert(0, f"event=dropped lines={self._dropped}\n")
                self._dropped = 0
            for octets in writes(line.encode("utf-8", "replace") for line in lines if line):
                # Not through sys.stderr: its lock, held by a thread that is stuck, would hold up our exit.
                with contextlib.suppress(OSError):
                    while octets:
                        octets = octets[os.write(2, octets) :]


def writes(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Whole lines, as many as the system takes in one piece: other workers write to the same place."""
    gathered = b""
    for line in lines:
        if gathered and len(gathered) + len(line) > PIPE_BUF:
            yield gathered
            gathered = b""
        gathered += line
    if gathered:
        yield gathered


_writer: _Writer | None = None


def quoted(value: object) -> str:
    """A value for one line: bare where it is plain, else in double quotes with escapes."""
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


def field(head: bytes, name: bytes) -> str | None:
    """The first header field of that name, decoded as the reading commands do; None if there is none.

    `head` is the header section as received.
    """
    from receiver import headers  # not before a message is logged

    return headers.first(head, name.decode("ascii"))
