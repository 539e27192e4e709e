"""Work on a stranger's octets in a process of its own, with limits: whatever it does, ours goes on.

For parsers that are not ours. Memory-safe code too can panic, abort for want of memory, or take minutes for
a document that is made for it. The kernel ends such a process; what it was to read is then read another way.
"""

from __future__ import annotations

import contextlib
import os
import resource
import select
import signal
import time
from collections.abc import Callable
from pathlib import Path

_SECONDS = 2  # of the processor
_LONGEST = 10.0  # seconds that pass, on a machine that is busy
_MEMORY = 1 << 30  # octets, beyond what our own process has already
_BLOCK = 1 << 20


class Failed(Exception):
    """The process did not end well; `str(e)` says how."""


def run(work: Callable[[], str]) -> str:
    """What `work` returns. It shares nothing with us: what it changes is gone. Raises Failed, and OSError."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        _work(work, reading, writing)
    os.close(writing)
    try:
        answer = _read(reading)
    finally:
        os.close(reading)
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
    if answer is None:
        raise Failed("it took too long")
    text = answer.decode("utf-8", "surrogatepass")
    if not text.endswith("\0"):  # which its last octet says, since it may be killed when it is done
        died = os.WIFSIGNALED(status) and os.WTERMSIG(status) != signal.SIGKILL
        raise Failed(f"it ended by {signal.Signals(os.WTERMSIG(status)).name}" if died else "it failed")
    return text[:-1]


def _work(work: Callable[[], str], reading: int, writing: int) -> None:
    try:
        os.close(reading)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # a panic tells its story there
        for kind, limit in (
            (resource.RLIMIT_CPU, _SECONDS),
            (resource.RLIMIT_AS, _address_space() + _MEMORY),
            (resource.RLIMIT_CORE, 0),
        ):
            _, hard = resource.getrlimit(kind)
            limit = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
            resource.setrlimit(kind, (limit, hard))
        answer = memoryview((work() + "\0").encode("utf-8", "surrogatepass"))
        while answer:
            answer = answer[os.write(writing, answer[:_BLOCK]) :]
    finally:
        os._exit(0)  # whatever was raised: nothing of ours may run twice


def _address_space() -> int:
    """Octets of this process's address space (proc(5)); 0 where the system does not say."""
    with contextlib.suppress(OSError):
        return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    return 0


def _read(reading: int) -> bytes | None:
    """All that comes; None if it does not end in time."""
    until = time.monotonic() + _LONGEST
    blocks: list[bytes] = []
    while (left := until - time.monotonic()) > 0:
        if not select.select([reading], [], [], left)[0]:
            break
        block = os.read(reading, _BLOCK)
        if not block:
            return b"".join(blocks)
        blocks.append(block)
    return None
