"""Give root up before the first octet of a stranger is parsed.

People run the reading commands as root, and mail is hostile input. What only root may open is opened first.
Then the process becomes the user that the mail belongs to: no capability, no way to gain one, no network, no
descriptor and no environment variable of root's. Code that a message could run in a parser may then read what
the receiver itself may read, and nothing else (credentials(7), capabilities(7)).
"""

from __future__ import annotations

import contextlib
import errno
import importlib
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from receiver import libc

# What a program needs to speak to people: their language, their time zone, their terminal.
_KEPT = ("PATH", "LANG", "LANGUAGE", "TZ", "TERM", "COLUMNS", "LINES", "NO_COLOR", "COLORTERM")
_PASSED_ON = {signal.SIGTERM, signal.SIGINT}
_STANDARD = 3  # descriptors that every process has


@dataclass(frozen=True, slots=True)
class User:
    """Whom to become: ids of user and group."""

    uid: int
    gid: int


class StillRoot(Exception):
    """Root could not be given up; `str(e)` says why. Nothing of a stranger was parsed."""


def owner(path: Path) -> User:
    """Whom the path, or the nearest folder above it that is there, belongs to. Raises OSError."""
    found = next(each for each in (path, *path.parents) if os.path.lexists(each)).stat()
    return User(found.st_uid, found.st_gid)


def is_root() -> bool:
    return os.geteuid() == 0


def give_up(
    user: User, *, network: bool = False, keep: Collection[int] = (), late: Iterable[str] = ()
) -> None:
    """Become that user for good. `keep` are descriptors that stay open, beside the standard ones.

    `late` are modules that will be imported afterwards.

    Nothing happens where the process is not root's. Mail that belongs to root is a trial of somebody who runs
    the receiver as root: the user stays root then, and all else is given up. Raises StillRoot.
    """
    if not is_root():
        return
    if not _may_read(user, Path(os.__file__)):
        _import_now(late)
    _close_all_but(keep)
    _forget_environment()
    if not network:
        # A sandbox may forbid it. Then the network stays; files and capabilities matter more.
        with contextlib.suppress(OSError):
            libc.leave_network()
    try:
        libc.drop_bounding_set()
        os.setgroups([])
        os.setresgid(user.gid, user.gid, user.gid)
        os.setresuid(user.uid, user.uid, user.uid)
        libc.drop_capabilities()
    except OSError as error:
        raise StillRoot(f"cannot become user {user.uid}: {error.strerror}") from None
    if user.uid and (os.getresuid() != (user.uid,) * 3 or _can_return()):
        raise StillRoot(f"user {user.uid} can become root again")


def in_child(user: User, work: Callable[[], int], **options: Any) -> int:
    """Do the work in a child that has given root up, and wait for it: its exit code.

    Options are those of `give_up`. SIGTERM and SIGINT are passed on, so that what only root can tidy up is
    tidied up after the child has ended. Without root there is no child.
    """
    if not is_root():
        return work()
    child = 0

    def pass_on(number: int, _: FrameType | None) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, number)

    before: dict[int, Any] = {}
    # A signal that comes while the child begins waits until it can be passed on.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, _PASSED_ON)
    try:
        child = start_child(user, lambda: _unblocked(mask, work), **options)
        before = {number: signal.signal(number, pass_on) for number in _PASSED_ON}
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        return exit_code(child)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _unblocked(mask: set[int], work: Callable[[], int]) -> int:
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    return work()


def start_child(user: User, work: Callable[[], int], **options: Any) -> int:
    """Begin the work in a child that has given root up, and that ends with us; its process id.

    Options are those of `give_up`.
    """
    parent = os.getpid()
    child = os.fork()
    if not child:

        def unprivileged() -> int:
            os.setsid()  # a terminal's Ctrl-C comes by way of the parent alone, and so comes once
            give_up(user, **options)
            libc.die_with_parent(parent)  # after the change of user, which would undo it (prctl(2))
            return work()

        _exit_with(unprivileged)
    return child


def exit_code(child: int) -> int:
    """Wait for a child: its exit code, 128 more than a signal's number where that ended it."""
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return code if code >= 0 else 128 - code


def ask_child(user: User, question: Callable[[], Any], **options: Any) -> Any:
    """What a child that has given root up answers: a value that JSON can hold. Raises OSError."""
    if not is_root():
        return question()
    reading, writing = os.pipe()

    def answer() -> int:
        with os.fdopen(writing, "w") as out:
            json.dump(question(), out)
        return 0

    with os.fdopen(reading) as said:
        keep = (writing, *options.pop("keep", ()))
        child = start_child(user, answer, keep=keep, **options)
        os.close(writing)
        text = said.read()
        os.waitpid(child, 0)
    if not text:
        raise OSError(errno.EIO, "the process without privileges gave no answer")
    return json.loads(text)


def _exit_with(work: Callable[[], int]) -> None:
    """In a child: never returns, so that it does nothing that its parent is about to do."""
    code = 1
    try:
        code = work()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    except KeyboardInterrupt:
        code = 130
    except StillRoot as error:
        print(f"letterbox: {error}", file=sys.stderr)
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
        os._exit(code)


def _close_all_but(keep: Collection[int]) -> None:
    first = _STANDARD
    for fd in [*sorted(each for each in keep if each >= _STANDARD), os.sysconf("SC_OPEN_MAX")]:
        os.closerange(first, fd)
        first = fd + 1


def _forget_environment(kept: Iterable[str] = _KEPT) -> None:
    """Variables may hold secrets of root's. Their octets are overwritten where the kernel put them."""
    names = [name for name in os.environ if name not in kept and not name.startswith("LC_")]
    libc.overwrite_environment({name.encode("utf-8", "surrogateescape") for name in names})
    for name in names:
        del os.environ[name]


def _may_read(user: User, file: Path) -> bool:
    """Whether the user may read a file, by the modes of it and of the folders above it."""
    for path in (file, *file.parents):
        state = path.stat()
        mine = 6 if state.st_uid == user.uid else 3 if state.st_gid == user.gid else 0
        needed = os.R_OK if path == file else os.X_OK
        if user.uid and not (state.st_mode >> mine) & needed:
            return False
    return True


def _import_now(late: Iterable[str]) -> None:
    """Python itself is root's alone (as in /root/.pyenv): what is imported late must be there before."""
    import encodings
    import pkgutil

    for module in pkgutil.iter_modules(encodings.__path__, "encodings."):
        with contextlib.suppress(ImportError):  # those of other systems
            importlib.import_module(module.name)
    for name in late:
        importlib.import_module(name)


def _can_return() -> bool:
    try:
        os.setuid(0)
    except OSError:
        return False
    return True
