"""Running a parser of somebody else in a child process with limits, so that it cannot harm this process.

Even memory-safe code can panic, run out of memory, or take minutes for a hostile document. Then the kernel
ends the child, and the caller reads the document in another way.
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

_CPU_SECONDS = 2
_LONGEST = 10.0  # seconds, also on a busy machine
_MEMORY = 1 << 30  # octets that the child may have more than this process
_BLOCK = 1 << 20


class Failed(Exception):
    """The child returned nothing. `str(e)` says why."""


def run(work: Callable[[], str]) -> str:
    """Call `work` in a child and return its result. Its other effects are lost. Raises Failed, OSError."""
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
    if not text.endswith(
        "\0"
    ):  # The child ends a complete result with it. Its exit status may be our SIGKILL.
        died = os.WIFSIGNALED(status) and os.WTERMSIG(status) != signal.SIGKILL
        raise Failed(f"it ended by {signal.Signals(os.WTERMSIG(status)).name}" if died else "it failed")
    return text[:-1]


def _work(work: Callable[[], str], reading: int, writing: int) -> None:
    try:
        os.close(reading)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # A panic writes a backtrace.
        for kind, limit in (
            (resource.RLIMIT_CPU, _CPU_SECONDS),
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
        os._exit(0)  # No handler of the parent may run in the child.


def _address_space() -> int:
    """The size of this process's address space in octets (proc(5)); 0 if the system does not say."""
    with contextlib.suppress(OSError):
        return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    return 0


def _read(reading: int) -> bytes | None:
    """All octets up to the end of the pipe. None if the end does not come in time."""
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
