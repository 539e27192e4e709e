"""Whether the hooks of this host deliver: what waits for them, what they gave up, and who has stopped."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from receiver import hook_queue
from receiver.heartbeat.finding import Finding
from receiver.hooks import status
from receiver.hooks.status import Configured

OLDEST = 3600  # seconds that a message may wait for its hook


def check(mail: Path, names: Iterable[str], now: float) -> Finding:
    """The backlog of all the named hooks. `now` is in seconds since 1970."""
    waiting, problems, unknown = 0, [], []
    for name in sorted(names):
        queue = hook_queue.queue(mail, name)
        hook = status.status(queue, Configured())
        waiting += hook.backlog
        age = 0.0 if hook.oldest is None else now - hook.oldest
        if hook.unread:
            unknown.append(f"{name}: cannot be told ({hook.unread})")
        if hook.stopped:
            problems.append(f"{name}: stopped ({hook.stopped})")
        if age > OLDEST:
            problems.append(f"{name}: {hook.backlog} wait, the oldest for {age / 3600:.1f} h")
        if hook.dead:
            problems.append(f"{name}: {hook.dead} given up")
    if problems or unknown:
        return Finding("hooks", False if problems else None, "; ".join([*problems, *unknown]))
    return Finding("hooks", True, f"{waiting} wait, none for more than {OLDEST // 60} min")
