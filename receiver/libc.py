"""What the os module lacks of the C library, by ctypes.

`library` is None where ctypes cannot be had; each user says what it does then.
"""

from __future__ import annotations

import os
import signal
from typing import Any

_PR_SET_PDEATHSIG, _PR_SET_NAME = 1, 15  # prctl(2)
_M_ARENA_MAX = -8  # mallopt(3)


def _library() -> Any:
    """The C library; None where ctypes cannot be had (a sandbox without writable code, an odd Python)."""
    try:
        import ctypes

        found = ctypes.CDLL(None, use_errno=True)
        found.sync_file_range.argtypes = (ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint)
        found.syncfs.argtypes = (ctypes.c_int,)
    except (ImportError, OSError, AttributeError, MemoryError):
        return None
    return found


library = _library()


def call(name: str, *arguments: int) -> None:
    """A system call that answers 0, or -1 with errno. Raises OSError."""
    import ctypes

    if getattr(library, name)(*arguments):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def few_arenas() -> None:
    """Threads share two heaps: with one each, much of what is freed is never given back."""
    if library is not None and hasattr(library, "mallopt"):
        library.mallopt(_M_ARENA_MAX, 2)


def name_process(name: str) -> None:
    """What ps(1) and top(1) call it: at most 15 octets."""
    if library is not None:
        library.prctl(_PR_SET_NAME, name.encode(), 0, 0, 0)


def die_with_parent(parent: int) -> None:
    """SIGKILL to this process when its parent ends, in whatever way."""
    if library is not None:
        library.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)
