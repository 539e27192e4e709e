"""Giving root up before the first octet of a stranger is parsed (credentials(7), capabilities(7)).

People run the reading commands as root, and mail is hostile input. A command first opens what only root may
open. Then the process becomes the user that owns the mail. It keeps no capability, no way to gain one, no
network, and none of root's descriptors and environment variables. If a message could then run code in a
parser, that code could read what the receiver may read, and nothing else.
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

from receiver.system import libc

# The variables of the user's language, time zone and terminal.
_KEPT = ("PATH", "LANG", "LANGUAGE", "TZ", "TERM", "COLUMNS", "LINES", "NO_COLOR", "COLORTERM")
_PASSED_ON = {signal.SIGTERM, signal.SIGINT}
_STANDARD = 3  # the number of standard descriptors: 0, 1 and 2


@dataclass(frozen=True, slots=True)
class User:
    """The user to become: the ids of user and group."""

    uid: int
    gid: int


class StillRoot(Exception):
    """Root could not be given up, and no octet of a stranger was parsed. `str(e)` says why."""


def owner(path: Path) -> User:
    """The owner of the path, or of the nearest path above it that exists. Raises OSError."""
    found = next(each for each in (path, *path.parents) if os.path.lexists(each)).stat()
    return User(found.st_uid, found.st_gid)


def is_root() -> bool:
    return os.geteuid() == 0


def give_up(
    user: User,
    *,
    network: bool = False,
    keep: Collection[int] = (),
    late: Iterable[str] = (),
    groups: Iterable[int] = (),
) -> None:
    """Become that user for good, and give up the network unless `network`. Raises StillRoot.

    `groups` are the supplementary groups that the process gets. `keep` are descriptors that stay open besides
    the standard ones. `late` are modules that the process imports afterwards. Does nothing if the process is
    not root's. If the mail belongs to root, because somebody tries the receiver as root, the user stays root
    and all else is given up.
    """
    if not is_root():
        return
    if not _may_read(user, Path(os.__file__)):
        _import_now(late)
    _close_all_but(keep)
    _forget_environment()
    if not network:
        # A sandbox may forbid this. Then the network stays, because giving up files and capabilities matters
        # more.
        with contextlib.suppress(OSError):
            libc.leave_network()
    try:
        libc.drop_bounding_set()
        os.setgroups(list(groups))
        os.setresgid(user.gid, user.gid, user.gid)
        os.setresuid(user.uid, user.uid, user.uid)
        libc.drop_capabilities()
    except OSError as error:
        raise StillRoot(f"cannot become user {user.uid}: {error.strerror}") from None
    if user.uid and (os.getresuid() != (user.uid,) * 3 or _can_return()):
        raise StillRoot(f"user {user.uid} can become root again")


def in_child(user: User, work: Callable[[], int], **options: Any) -> int:
    """Do the work in a child process that has given root up, wait for it, and return its exit code.

    `options` are those of `give_up`. SIGTERM and SIGINT are passed on to the child, so that after its end the
    parent can clean up what only root may. Without root, the work is done in this process.
    """
    if not is_root():
        return work()
    child = 0

    def pass_on(number: int, _: FrameType | None) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, number)

    before: dict[int, Any] = {}
    # A signal that comes while the child starts waits until it can be passed on.
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
    """Start the work in a child process that has given root up, and return its process id.

    The child is killed if this process ends. `options` are those of `give_up`.
    """
    parent = os.getpid()
    child = os.fork()
    if not child:

        def unprivileged() -> int:
            os.setsid()  # so that Ctrl-C reaches only the parent, which passes it on
            give_up(user, **options)
            libc.die_with_parent(parent)  # A change of user before this would undo it (prctl(2)).
            return work()

        _exit_with(unprivileged)
    return child


def exit_code(child: int) -> int:
    """Wait for a child, and return its exit code. If a signal ended it, this is 128 more than the signal."""
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return code if code >= 0 else 128 - code


def ask_child(user: User, question: Callable[[], Any], **options: Any) -> Any:
    """Answer the question in a child process that has given root up. Raises OSError.

    The answer must be a value that JSON can hold. `options` are those of `give_up`.
    """
    if not is_root():
        return question()
    reading, writing = os.pipe()

    def answer() -> int:
        with os.fdopen(writing, "w") as out:
            json.dump(question(), out)
        return 0

    with os.fdopen(reading) as answers:
        keep = (writing, *options.pop("keep", ()))
        child = start_child(user, answer, keep=keep, **options)
        os.close(writing)
        text = answers.read()
        os.waitpid(child, 0)
    if not text:
        raise OSError(errno.EIO, "the process without privileges gave no answer")
    return json.loads(text)


def _exit_with(work: Callable[[], int]) -> None:
    """Do the work in a child and exit. Never returns, so that the child runs no code that is the parent's."""
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
    """Remove all variables but `kept`, and overwrite their values in memory, because they may be secrets."""
    names = [name for name in os.environ if name not in kept and not name.startswith("LC_")]
    libc.overwrite_environment({name.encode("utf-8", "surrogateescape") for name in names})
    for name in names:
        del os.environ[name]


def _may_read(user: User, file: Path) -> bool:
    """Whether the user may read a file, as the modes of the file and of the folders above it say."""
    for path in (file, *file.parents):
        state = path.stat()
        mine = 6 if state.st_uid == user.uid else 3 if state.st_gid == user.gid else 0
        needed = os.R_OK if path == file else os.X_OK
        if user.uid and not (state.st_mode >> mine) & needed:
            return False
    return True


def _import_now(late: Iterable[str]) -> None:
    """Import modules now that the process would import later.

    This is for a Python that only root may read, such as one in /root/.pyenv.
    """
    import encodings
    import pkgutil

    for module in pkgutil.iter_modules(encodings.__path__, "encodings."):
        with contextlib.suppress(ImportError):  # Some are for other operating systems.
            importlib.import_module(module.name)
    for name in late:
        importlib.import_module(name)


def _can_return() -> bool:
    """Whether the process can become root again."""
    try:
        os.setuid(0)
    except OSError:
        return False
    return True
