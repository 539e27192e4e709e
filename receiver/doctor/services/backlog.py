"""What of a host's mail the bucket does not have yet, as far as the mail folder says it.

- `<mail>/.bucket/pending/NAME` is a hard link to each message that waits for the bucket. `letterbox-push`
  removes it when the bucket has the message.
- `<mail>/.bucket/pushed` says when a `letterbox push` last went through all mailboxes. Before that, mail that
  came before the bucket was named may lie on this disk alone.

No file here is a stranger's, but its name has a sender's time. So what cannot be read is unknown, never good.
"""

from __future__ import annotations

import json
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from receiver import bucket_queue
from receiver.hooks.status import arrived

LONGEST = 15 * 60  # seconds that a message may wait for a bucket that answers
_LARGEST = 65_536  # octets of a state that are read


@dataclass(frozen=True, slots=True)
class Backlog:
    """How many messages wait for the bucket. Times are in seconds since 1970; None if there is no such time.

    `unread` is why that is not known: then the rest says nothing.
    """

    waiting: int = 0
    oldest: float | None = None
    pushed: float | None = None
    unread: str = ""

    def is_old(self, now: float) -> bool:
        """Whether a message has waited for so long that something must be wrong."""
        return self.oldest is not None and now - self.oldest > LONGEST

    def words(self, now: float) -> str:
        """What waits, and for how long, in one line."""
        if not self.waiting:
            return "no message waits"
        messages = "1 message waits" if self.waiting == 1 else f"{self.waiting} messages wait"
        if self.oldest is None or now - self.oldest < 60:
            return messages
        return f"{messages}, the oldest for {age(now - self.oldest)}"


def read(mail: Path, promise: str) -> Backlog:
    """The backlog of the mail folder. Under the promise `bucket` a host may never have had a queue."""
    queue = bucket_queue.queue(mail)
    try:
        may_lack = promise == "bucket" and not os.path.lexists(queue.pending)
        if not may_lack and not stat.S_ISDIR(queue.pending.lstat().st_mode):
            return Backlog(unread=f"{queue.pending}: no folder")
        waiting = queue.pending_names()
        done = load(bucket_queue.pushed(mail))
    except (OSError, ValueError, RecursionError) as failure:
        return Backlog(unread=reason(failure))
    times = [each for each in map(arrived, waiting[:1]) if each is not None]
    return Backlog(len(waiting), min(times, default=None), seconds(done.get("at")))


def load(path: Path) -> dict[str, object]:
    """The object in a file of JSON. Empty if there is no such file. Raises OSError and ValueError."""
    said = text(path)
    found = json.loads(said) if said else {}
    if not isinstance(found, dict):
        raise ValueError(f"{path.name}: no object")
    return found


def text(path: Path) -> str:
    """The beginning of a file. Empty if there is no such file. Raises OSError, and ValueError for no file."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return ""
    with os.fdopen(fd, "rb") as file:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise ValueError(f"{path.name}: no regular file")
        return file.read(_LARGEST).decode("utf-8", "replace")


def reason(failure: Exception) -> str:
    """Why something could not be read, in one line."""
    if isinstance(failure, OSError):
        return f"{failure.filename}: {failure.strerror}" if failure.filename else str(failure.strerror)
    return str(failure) or type(failure).__name__


def seconds(value: object) -> float | None:
    """A time in seconds since 1970, as JSON has it. None if it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e11:
        return None
    return float(value)


def age(lasted: float) -> str:
    """A length of time in the unit that fits."""
    if lasted < 120:
        return f"{max(0.0, lasted):.0f} s"
    if lasted < 7200:
        return f"{lasted / 60:.0f} min"
    return f"{lasted / 3600:.0f} h" if lasted < 172_800 else f"{lasted / 86_400:.0f} days"
