"""What the os module lacks of the C library, by ctypes.

`library` is None where ctypes cannot be had; each user says what it does then.
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


def limit_arenas() -> None:
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


def leave_network() -> None:
    """Into a network namespace of this process's own, without an interface that is up. Raises OSError."""
    if library is not None:
        call("unshare", _CLONE_NEWNET)


def drop_bounding_set() -> None:
    """No program that this process executes can have a capability (capabilities(7)). Raises OSError."""
    if library is None:
        return
    for number in range(_MOST_CAPABILITIES):
        try:
            call("prctl", _PR_CAPBSET_DROP, number, 0, 0, 0)
        except OSError as error:
            if error.errno == errno.EINVAL:  # behind the last that this kernel knows
                return
            raise


def drop_capabilities() -> None:
    """No capability, and no way to gain one by executing a program. Raises OSError."""
    if library is None:
        return
    import ctypes

    # Not ambient ones: a kernel before 4.3 has none, and answers EINVAL.
    library.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    call("prctl", _PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    call("prctl", _PR_SET_DUMPABLE, 0, 0, 0, 0)  # no other process of the same user may look into this one
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    nothing = (ctypes.c_uint32 * 6)()
    if library.capset(header, nothing):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def overwrite_environment(names: Collection[bytes]) -> None:
    """Overwrite the values that variables had when the process began (environ(7)); unsetenv(3) keeps them."""
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
