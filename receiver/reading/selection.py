"""Which messages a command means: one selection, and so one numbering, for list, show and export.

What lies among the messages and is none (a link, a folder, a pipe) is passed over, and said once.
"""

from __future__ import annotations

import heapq
import os
import stat
import sys
from collections.abc import Iterable, Iterator

from receiver.reading import stored
from receiver.reading.stored import Maildir, Stored

_MOST_SAID = 20
_said: set[str] = set()


def newest(boxes: Iterable[Maildir], count: int) -> list[Stored]:
    """The last `count` messages to arrive, the newest first. Raises OSError."""
    folders = [(box, *each) for box in boxes for each in stored.names(box)]
    wanted = count
    while True:
        found = [
            Stored(box, name.partition(":")[0], f"{folder}/{name}")
            for box, folder, names in folders
            for name in heapq.nlargest(wanted, names)
        ]
        found = heapq.nlargest(wanted, found, key=lambda each: (each.name, each.path))
        messages = [each for each in found if is_message(each)]
        if len(messages) >= count or len(found) < wanted:
            return messages[:count]
        wanted += 2 * (len(found) - len(messages)) + 100


def everything(boxes: Iterable[Maildir]) -> Iterator[Stored]:
    """All messages of the mailboxes, one mailbox after the other, the oldest first. Raises OSError."""
    return filter(is_message, stored.everything(boxes))


def find(boxes: Iterable[Maildir], wanted: str) -> list[Stored]:
    """The messages whose identity, or file name, begins with `wanted`; whose path it is; newest first."""
    hits = (
        each
        for each in stored.everything(boxes)
        if each.identity.startswith(wanted) or each.name.startswith(wanted) or each.path == wanted
    )
    return sorted(filter(is_message, hits), key=lambda each: each.name, reverse=True)


def is_message(entry: Stored) -> bool:
    """Whether it is a regular file; what is there and is none is said on standard error. Raises OSError."""
    try:
        mode = os.lstat(entry.path).st_mode
    except FileNotFoundError:  # moved or removed since its name was seen
        return False
    if stat.S_ISREG(mode):
        return True
    if entry.path not in _said:
        _said.add(entry.path)
        if len(_said) <= _MOST_SAID:
            _say(f"{entry.path}: {_kind(mode)} and no message: passed over")
        elif len(_said) == _MOST_SAID + 1:
            _say("more entries of the mail folder are no messages: passed over")
    return False


def pass_over(entry: Stored) -> None:
    """Say that a message is not there any more."""
    _say(f"{entry.path}: was moved or removed meanwhile: passed over")


def _say(text: str) -> None:
    print(f"letterbox: {text}", file=sys.stderr)


def _kind(mode: int) -> str:
    for is_kind, name in (
        (stat.S_ISLNK, "a symbolic link"),
        (stat.S_ISDIR, "a folder"),
        (stat.S_ISFIFO, "a pipe"),
        (stat.S_ISSOCK, "a socket"),
    ):
        if is_kind(mode):
            return name
    return "a device"
