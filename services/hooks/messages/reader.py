"""Describing messages in a process of its own, because they are hostile input.

The child reads one message after the other. If one takes too long, or too much memory, the child ends, the
next message gets a new one, and this message is delivered all the same (`description.without_content`). The
child has one thread, so it can fork to parse HTML (`receiver.content.isolation`).
"""

from __future__ import annotations

import contextlib
import json
import mmap
import os
import resource
import select
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Sequence

from receiver.reading import stored
from receiver.system.journal import log
from services.hooks.messages import description
from services.hooks.messages.envelope import Boxes, file_of, mailbox_of, read_envelope

LONGEST = 30.0  # seconds for one message
_MEMORY = 2 << 30  # octets of address space
_LENGTH = struct.Struct("!Q")
_BLOCK = 1 << 20


class Reader:
    """Describes messages, also for several threads. `command` starts the child, which calls `serve`.

    `known` are the mailboxes that the hook gets.
    """

    def __init__(self, command: Sequence[str], max_raw: int, known: Boxes, longest: float = LONGEST) -> None:
        self._command, self._max_raw, self._longest = tuple(command), max_raw, longest
        self._known = known
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None

    def describe(self, name: str, path: str) -> bytes:
        """The JSON body for the entry NAME of the queue, which is at `path`. Raises OSError if it is gone."""
        with self._lock:
            for _ in range(2):  # The child may have been ended by somebody else.
                try:
                    body = self._ask(name, path)
                except (EOFError, BrokenPipeError):
                    self.close()
                    continue
                if body:
                    return body
                break
        file = file_of(name, path)
        octets = stored.content(file)
        log("unread", id=name, size=len(octets))
        found = read_envelope(file, mailbox_of(name, self._known))
        return description.without_content(octets, found, name, self._max_raw)

    def _ask(self, name: str, path: str) -> bytes:
        """What the child answers; empty if it cannot read the message. Raises EOFError, OSError."""
        child = self._child or self._start()
        assert child.stdin and child.stdout
        asked = name, path, mailbox_of(name, self._known), self._max_raw
        child.stdin.write(json.dumps(asked).encode() + b"\n")
        child.stdin.flush()
        until = time.monotonic() + self._longest
        (length,) = _LENGTH.unpack(self._read(child.stdout.fileno(), _LENGTH.size, until))
        return self._read(child.stdout.fileno(), length, until)

    def _start(self) -> subprocess.Popen[bytes]:
        self._child = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        return self._child

    @staticmethod
    def _read(fd: int, length: int, until: float) -> bytes:
        read = bytearray()
        while len(read) < length:
            ready, _, _ = select.select([fd], [], [], max(0.0, until - time.monotonic()))
            block = os.read(fd, min(_BLOCK, length - len(read))) if ready else b""
            if not block:
                raise EOFError
            read += block
        return bytes(read)

    def close(self) -> None:
        """End the child."""
        child, self._child = self._child, None
        if child:
            child.kill()
            child.communicate()


def serve() -> int:
    """Answer on standard output what is asked on standard input, until its end. Returns the exit code."""
    for number in (signal.SIGTERM, signal.SIGINT):  # The end of our parent is the end of our input.
        signal.signal(number, signal.SIG_IGN)
    with contextlib.suppress(OSError, ValueError):  # A sandbox may forbid it, and has limits of its own.
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        most = _MEMORY if hard == resource.RLIM_INFINITY else min(_MEMORY, hard)
        resource.setrlimit(resource.RLIMIT_AS, (most, hard))
    for line in sys.stdin.buffer:
        name, path, mailbox, max_raw = json.loads(line)
        try:
            file = file_of(name, path)
            octets = stored.content(file)
            body = description.describe(octets, stored.head(file)[0], name, mailbox, max_raw)
            if isinstance(octets, mmap.mmap):
                octets.close()
        except OSError:  # The file is gone, or no message. Our parent finds that, too.
            body = b""
        except Exception as error:  # This is a fault of ours, but the message is delivered.
            log("fault", id=name, error=f"{type(error).__name__}: {error}")
            body = b""
        answer = memoryview(_LENGTH.pack(len(body)) + body)
        try:
            while answer:
                answer = answer[os.write(1, answer) :]
        except BrokenPipeError:  # Our parent ended.
            break
    return 0
