"""Whether the hooks of this host deliver: what waits in their queues, what they gave up, and who has stopped.

A queue is `<mail>/.hooks/HOOK`, with `pending/`, `dead/` and `state.json`. The name of an entry begins with
the second in which its message arrived.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path

from receiver.heartbeat.finding import Finding

FOLDER = ".hooks"
OLDEST = 3600  # seconds that a message may wait for its hook
_LARGEST = 8 * 1024 * 1024  # octets of a state that are read


def check(mail: Path, names: Iterable[str], now: float) -> Finding:
    """The backlog of all the named hooks. `now` is in seconds since 1970."""
    waiting, problems, unknown = 0, [], []
    for name in sorted(names):
        queue = mail / FOLDER / name
        try:
            pending, dead = _entries(queue / "pending"), _entries(queue / "dead")
            stopped = _stopped(queue / "state.json")
        except (OSError, ValueError) as error:
            unknown.append(f"{name}: cannot be told ({getattr(error, 'strerror', None) or error})")
            continue
        waiting += len(pending)
        age = now - min(map(_arrived, pending), default=now)
        if stopped:
            problems.append(f"{name}: stopped ({stopped})")
        if age > OLDEST:
            problems.append(f"{name}: {len(pending)} wait, the oldest for {age / 3600:.1f} h")
        if dead:
            problems.append(f"{name}: {len(dead)} given up")
    if problems or unknown:
        return Finding("hooks", False if problems else None, "; ".join([*problems, *unknown]))
    return Finding("hooks", True, f"{waiting} wait, none for more than {OLDEST // 60} min")


def _entries(folder: Path) -> list[str]:
    """The names in a folder of a queue. It is made with the first message. Raises OSError."""
    try:
        return [name for name in os.listdir(folder) if not name.startswith(".")]  # noqa: PTH208
    except FileNotFoundError:
        return []


def _arrived(name: str) -> float:
    """When the message of an entry arrived. What has no such name counts as very old."""
    seconds = name.partition(".")[0]
    return float(seconds) if seconds.isascii() and seconds.isdigit() and len(seconds) < 12 else 0.0


def _stopped(path: Path) -> str:
    """Why the hook has stopped. Empty if it has not, or has not run yet. Raises OSError or ValueError."""
    try:
        with path.open("rb") as file:
            state = json.loads(file.read(_LARGEST))
    except FileNotFoundError:
        return ""
    except (ValueError, RecursionError):
        raise ValueError("its state.json is not JSON") from None
    if not isinstance(state, dict):
        raise ValueError("its state.json is not an object")
    stopped = "".join(c if c.isprintable() else "?" for c in str(state.get("stopped") or ""))
    return stopped[:100]
