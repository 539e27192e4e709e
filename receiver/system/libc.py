"""Functions of the C library that the os module lacks, through ctypes.

`library` is None if ctypes cannot be used. Each function that needs it says what it does then.
"""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Collection
from typing import Any

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NAME = 1, 4, 15  # prctl(2)
_PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL = 24, 38, 47, 4
_CLONE_NEWNET = 0x40000000  # unshare(2)
_CAPABILITY_VERSION_3 = 0x20080522  # capset(2)
_MOST_CAPABILITIES = 64
_M_ARENA_MAX = -8  # mallopt(3)


def _library() -> Any:
    """The C library; None if ctypes cannot be used, as in a sandbox that forbids executable memory."""
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
    """Call a function that returns 0, or -1 and sets errno. `library` must not be None. Raises OSError."""
    import ctypes

    if getattr(library, name)(*arguments):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def limit_arenas() -> None:
    """Let all threads share two heaps. With a heap for each thread, much freed memory stays unused.

    Does nothing without `library`.
    """
    if library is not None and hasattr(library, "mallopt"):
        library.mallopt(_M_ARENA_MAX, 2)


def name_process(name: str) -> None:
    """Set the name that ps(1) and top(1) show, at most 15 octets. Does nothing without `library`."""
    if library is not None:
        library.prctl(_PR_SET_NAME, name.encode(), 0, 0, 0)


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when its parent ends (prctl(2), PR_SET_PDEATHSIG).

    Exits at once if the parent has ended already. Without `library` the process outlives its parent.
    """
    if library is not None:
        library.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def leave_network() -> None:
    """Move this process into a network namespace of its own, in which no interface is up. Raises OSError.

    Does nothing without `library`.
    """
    if library is not None:
        call("unshare", _CLONE_NEWNET)


def drop_bounding_set() -> None:
    """Keep programs that this process executes from having any capability (capabilities(7)). Raises OSError.

    Does nothing without `library`.
    """
    if library is None:
        return
    for number in range(_MOST_CAPABILITIES):
        try:
            call("prctl", _PR_CAPBSET_DROP, number, 0, 0, 0)
        except OSError as error:
            if error.errno == errno.EINVAL:  # This kernel knows no capability of this number.
                return
            raise


def drop_capabilities() -> None:
    """Drop all capabilities, and the ways to gain one by executing a program. Raises OSError.

    Does nothing without `library`.
    """
    if library is None:
        return
    import ctypes

    # The result is ignored: a kernel before 4.3 has no ambient capabilities, and answers EINVAL.
    library.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    call("prctl", _PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    # Other processes of the same user must not read this process's memory.
    call("prctl", _PR_SET_DUMPABLE, 0, 0, 0, 0)
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    no_capabilities = (ctypes.c_uint32 * 6)()
    if library.capset(header, no_capabilities):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def overwrite_environment(names: Collection[bytes]) -> None:
    """Overwrite the values of environment variables in memory (environ(7)), which unsetenv(3) does not.

    Does nothing without `library`.
    """
    if library is None:
        return
    import ctypes

    strings = ctypes.POINTER(ctypes.c_void_p).in_dll(library, "environ")
    at = 0
    while strings and strings[at]:
        pointer = strings[at]
        name, _, value = ctypes.string_at(pointer).partition(b"=")
        if name in names:
            ctypes.memset(pointer + len(name) + 1, 0, len(value))
        at += 1
