"""The folder of a hook's queue: what is pending, what was given up, and what `letterbox hooks` asks for.

Anybody in the group of the hooks may write there, and a message is hostile input. So no link is followed,
and only regular files are read.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import stat
import time
from pathlib import Path

from services.hooks.errors import HookError, one_line
from services.hooks.outcome import NotAMessage, Outcome, Vanished
from services.hooks.schedule import Failure

PENDING, DEAD, STATE = "pending", "dead", "state"
RETRY = "retry"  # in `state/`
_NAME = re.compile(r"[A-Za-z0-9_][\w.,:=+@%-]{0,254}", re.ASCII)
_MOST_ASKED = 67_108_864  # octets
_TICK = 1_000_000_000  # ns; two changes of a folder within this time may have the same st_mtime
_SHARE = 20  # Looking at a large folder may take a twentieth of the time.


class Queue:
    """The queue in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._pending = str(folder / PENDING)
        self._changed = -1
        self._again_at = 0.0
        self._lock = -1

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def state(self) -> Path:
        """The folder for what is neither pending nor dead, where this process may make files."""
        return self.folder / STATE

    def lock(self) -> None:
        """Keep every other process out until this one ends. Raises HookError."""
        try:
            self._lock = os.open(self.state, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
            os.close(os.open(self._pending, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC))
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise HookError(
                f"{self.folder}: another process serves this queue: stop its unit first"
            ) from None
        except OSError as error:
            raise HookError(f"{error.filename}: {error.strerror}: deploy again, which makes it") from None

    def path(self, name: str) -> str:
        return f"{self._pending}/{name}"

    def changed(self) -> list[str] | None:
        """All names that are pending, the oldest first. None if nothing changed since the last call.

        Raises OSError if the folder is gone.
        """
        now = time.monotonic()
        if now < self._again_at:
            return None
        then = os.stat(self._pending).st_mtime_ns  # noqa: PTH116
        if then == self._changed:
            return None
        # A folder that changed just now may change again without a new st_mtime.
        self._changed = then if time.time_ns() - then > _TICK else -1
        names = sorted(name for name in os.listdir(self._pending) if _NAME.fullmatch(name))  # noqa: PTH208
        self._again_at = now + (time.monotonic() - now) * _SHARE
        return names

    def unreadable(self, name: str, error: Exception) -> Outcome:
        """What it means that the message of this name could not be tried."""
        try:
            is_message = stat.S_ISREG(os.lstat(self.path(name)).st_mode)
        except OSError:
            return Vanished()
        if not is_message:
            return NotAMessage()
        reason = getattr(error, "strerror", None) or f"{type(error).__name__}: {error}"
        return Failure(one_line(f"the message cannot be sent: {reason}"), is_of_message=True)

    def done(self, name: str) -> None:
        """Take a message out of the queue, because the target took it. Raises OSError."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path(name))  # noqa: PTH108

    def give_up(self, name: str) -> bool:
        """Move a message to `dead/`. Returns whether it was still there. Raises OSError."""
        try:
            os.rename(self.path(name), self.folder / DEAD / name)  # noqa: PTH104
        except FileNotFoundError:
            if os.path.lexists(self.path(name)):
                raise  # `dead/` is missing.
            return False
        # rename(2) does nothing if both names are links to the same file.
        self.done(name)
        return True

    def take_retry(self) -> frozenset[str] | None:
        """The names of the messages that `letterbox hooks --retry` asks to try at once. Asks once.

        None if it asks nothing. Empty if it asks for all, and to forget that the hook is stopped.
        """
        asked = self.state / RETRY
        taken = asked.with_name(f"{RETRY}.taken")  # From now on the command writes another file.
        try:
            asked.rename(taken)
        except OSError:
            return None  # There is none. If it cannot be moved, it would be obeyed for ever.
        lines = b""
        with contextlib.suppress(OSError):  # What cannot be read stands for all.
            fd = os.open(taken, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            with os.fdopen(fd, "rb") as file:
                lines = file.read(_MOST_ASKED)
        with contextlib.suppress(OSError):
            taken.unlink()
        return frozenset(lines.decode("utf-8", "replace").splitlines())
