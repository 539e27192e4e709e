"""How a hook stands: its queue, and what its process remembers of its tries.

`state.json` belongs to the hook's process, which is another user, and has words of its target. So it is read
without root, and every value in it is checked. What cannot be read is unknown, and never taken for good.
"""

from __future__ import annotations

import json
import os
import stat
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from receiver import hook_queue
from receiver.hook_queue import Queue

_LARGEST = 67_108_864  # octets of state.json, as its writer bounds them
_VERSION = 1


@dataclass(frozen=True, slots=True)
class Configured:
    """What the host's configuration says of a hook."""

    mailboxes: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    target: str = ""
    """The URL without its path, or the command. Empty if it could not be read."""
    unit: str = ""
    """What systemd says of its unit, such as `active`. Empty if it could not be asked."""


@dataclass(frozen=True, slots=True)
class Error:
    """The last try that failed. `at` is in seconds since 1970."""

    id: str
    text: str
    at: float


@dataclass(frozen=True, slots=True)
class Status:
    """A hook at one moment. Times are in seconds since 1970; None if there is no such time.

    `configured` is None for a queue whose hook is in the configuration no more. `unread` is why the state is
    not known: then `stopped`, `last_error`, `last_success` and `next_try` say nothing.
    """

    name: str
    configured: Configured | None
    backlog: int = 0
    oldest: float | None = None
    dead: int = 0
    stopped: str = ""
    last_error: Error | None = None
    last_success: float | None = None
    next_try: float | None = None
    unread: str = ""

    def to_json(self) -> dict[str, object]:
        """The object that `--json` prints. Keys are only ever added."""
        told, error = self.configured, self.last_error
        return {
            "hook": self.name,
            "configured": told is not None,
            "target": told.target or None if told else None,
            "mailboxes": list(told.mailboxes) if told else [],
            "domains": list(told.domains) if told else [],
            "unit": told.unit or None if told else None,
            "backlog": self.backlog,
            "oldest": timestamp(self.oldest),
            "dead": self.dead,
            "stopped": self.stopped or None,
            "last_error": {"id": error.id, "error": error.text, "at": timestamp(error.at)} if error else None,
            "last_success": timestamp(self.last_success),
            "next_try": timestamp(self.next_try),
            "unread": self.unread or None,
        }


def timestamp(seconds: float | None) -> str | None:
    """A time as UTC in the form of RFC 3339."""
    return None if seconds is None else time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def read(mail: Path, configured: Mapping[str, Configured]) -> list[Status]:
    """Each hook of the configuration, and each queue besides that holds messages, by name. Raises OSError."""
    names = {each.hook for each in hook_queue.queues(mail)}
    found = [
        status(hook_queue.queue(mail, name), configured.get(name)) for name in sorted(names | set(configured))
    ]
    return [each for each in found if each.configured or each.backlog or each.dead]


def status(queue: Queue, configured: Configured | None) -> Status:
    """How the hook of this queue stands. One that is configured must have a queue, or no mail reaches it."""
    if configured is not None and (reason := _missing(queue.pending)):
        return Status(queue.hook, configured, unread=reason)
    try:
        pending, dead = queue.pending_names(), queue.dead_names()
    except OSError as failure:
        unread = f"{Path(str(failure.filename or queue.folder)).name}: {failure.strerror}"
        return Status(queue.hook, configured, unread=unread)
    oldest = arrived(pending[0]) if pending else None
    try:
        state = load(queue)
    except (OSError, ValueError, RecursionError) as failure:
        reason = getattr(failure, "strerror", None) or str(failure)
        return Status(queue.hook, configured, len(pending), oldest, len(dead), unread=f"state.json: {reason}")
    error = state.get("last_error")
    return Status(
        queue.hook,
        configured,
        len(pending),
        oldest,
        len(dead),
        stopped=_text(state.get("stopped")),
        last_error=Error(_text(error.get("id")), _text(error.get("error")), _time(error.get("at")) or 0)
        if isinstance(error, dict)
        else None,
        last_success=_time(state.get("last_success")),
        next_try=_next(state.get("tries"), pending),
    )


def _missing(pending: Path) -> str:
    """Why the receiver cannot put mail into this folder: it is missing, or something else. Else empty."""
    try:
        is_folder = stat.S_ISDIR(pending.lstat().st_mode)
    except OSError as error:
        return f"{pending.name}: {error.strerror}"
    return "" if is_folder else f"{pending.name}: no folder"


def load(queue: Queue) -> Mapping[str, Any]:
    """What state.json says. Empty if there is none yet. Raises OSError and ValueError."""
    try:
        fd = os.open(queue.state, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return {}
    with os.fdopen(fd, "rb") as file:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise ValueError("no regular file")
        found = json.loads(file.read(_LARGEST))
    if not isinstance(found, dict) or found.get("version") != _VERSION:
        raise ValueError("not of a form that is known here")
    return found


def arrived(name: str) -> float | None:
    """When the message of this entry arrived, by its name."""
    seconds = name.partition(".")[0]
    return float(seconds) if seconds.isascii() and seconds.isdigit() and len(seconds) < 12 else None


def _next(tries: object, pending: Collection[str]) -> float | None:
    """The next try of what is pending. None if nothing that failed waits for one."""
    if not isinstance(tries, dict):
        return None
    waiting = set(pending)
    times = (
        _time(each.get("next")) for name, each in tries.items() if name in waiting and isinstance(each, dict)
    )
    return min((each for each in times if each is not None), default=None)


def _text(value: object) -> str:
    return value[:1000] if isinstance(value, str) else ""


def _time(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e11:
        return None
    return float(value)
