"""What a hook remembers of its tries: `state.json` in the folder `state` of its queue.

`letterbox hooks` and the doctor read it. The queue itself are the files in `pending/` and `dead/`. So a state
that is lost or broken costs an early try, and never a message.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from services.hooks.errors import one_line

NAME = "state.json"
VERSION = 1
_MODE = 0o644  # The receiver's user reads it.
_LARGEST = 67_108_864  # octets


@dataclass(frozen=True, slots=True)
class Try:
    """The tries of one message so far. Times are in seconds since 1970. `error` is one line."""

    count: int
    first: float
    next: float
    error: str


@dataclass(frozen=True, slots=True)
class LastError:
    """The last try that failed. `at` is in seconds since 1970."""

    id: str
    error: str
    at: float


@dataclass(slots=True)
class State:
    """The state of a hook.

    `stopped` is why nothing is tried until `letterbox hooks --retry`. `delivered` counts since the state was
    made. `failing_since` is when the first try failed after the last one that succeeded.
    """

    stopped: str | None = None
    last_error: LastError | None = None
    last_success: float | None = None
    delivered: int = 0
    failing_since: float | None = None
    tries: dict[str, Try] = field(default_factory=dict)

    def to_json(self) -> dict[str, object]:
        return {"version": VERSION, **asdict(self)}


def parse(value: Any) -> State:
    """The state of a parsed JSON text. What is not as this program writes it is left out."""
    if not isinstance(value, dict) or value.get("version") != VERSION:
        return State()
    stopped, error, tries = value.get("stopped"), value.get("last_error"), value.get("tries")
    state = State(
        stopped=one_line(stopped) if isinstance(stopped, str) else None,
        last_success=_time(value.get("last_success")),
        delivered=int(_time(value.get("delivered")) or 0),
        failing_since=_time(value.get("failing_since")),
    )
    with contextlib.suppress(KeyError, TypeError, ValueError):
        if isinstance(error, Mapping):
            state.last_error = LastError(
                str(error["id"]), one_line(str(error["error"])), _number(error["at"])
            )
    for name, each in tries.items() if isinstance(tries, dict) else ():
        with contextlib.suppress(KeyError, TypeError, ValueError):
            count = int(_number(each["count"]))
            first, following = _number(each["first"]), _number(each["next"])
            state.tries[name] = Try(count, first, following, one_line(str(each["error"])))
    return state


def load(folder: Path) -> State:
    """The state in that folder. It is empty if the file is missing, broken or no regular file."""
    try:
        fd = os.open(folder / NAME, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(fd, "rb") as file:
            return parse(json.loads(file.read(_LARGEST)))
    except (OSError, ValueError, RecursionError):
        return State()


def save(folder: Path, state: State) -> None:
    """Write the state in one step, so that a reader has the old one or the new one. Raises OSError.

    It is not synced to disk, because losing it does no harm.
    """
    written = folder / f"{NAME}.new"
    written.unlink(missing_ok=True)  # of a process that was killed, perhaps of another user (DynamicUser=)
    fd = os.open(written, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _MODE)
    with os.fdopen(fd, "w") as file:
        os.fchmod(fd, _MODE)
        file.write(json.dumps(state.to_json()))
    written.replace(folder / NAME)


def _number(value: Any) -> float:
    """A finite number that is not negative. Raises TypeError, ValueError."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError
    if not 0 <= value < 1e12:
        raise ValueError
    return value


def _time(value: Any) -> float | None:
    with contextlib.suppress(TypeError, ValueError):
        return _number(value)
    return None
