"""Selecting messages for list, show and export, so that all of them number messages in the same way.

Anything else among the messages (a link, a folder, a pipe) is skipped, and reported once.
"""

from __future__ import annotations

import heapq
import os
import stat
import sys
from collections.abc import Iterable, Iterator

from receiver.reading import stored
from receiver.reading.stored import Maildir, Stored

_MOST_REPORTS = 20
_reported: set[str] = set()


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
    """All messages, one mailbox after the other, each with its oldest message first. Raises OSError."""
    return filter(is_message, stored.everything(boxes))


def find(boxes: Iterable[Maildir], wanted: str) -> list[Stored]:
    """The messages whose identity or name begins with `wanted`, or whose path it is; the newest first."""
    hits = (
        each
        for each in stored.everything(boxes)
        if each.identity.startswith(wanted) or each.name.startswith(wanted) or each.path == wanted
    )
    return sorted(filter(is_message, hits), key=lambda each: each.name, reverse=True)


def is_message(entry: Stored) -> bool:
    """Whether an entry is a regular file. Reports any other kind on standard error. Raises OSError."""
    try:
        mode = os.lstat(entry.path).st_mode
    except FileNotFoundError:  # It was moved or removed after we read its name.
        return False
    if stat.S_ISREG(mode):
        return True
    if entry.path not in _reported:
        _reported.add(entry.path)
        if len(_reported) <= _MOST_REPORTS:
            _report(f"{entry.path}: {_kind(mode)}, not a message: skipped")
        elif len(_reported) == _MOST_REPORTS + 1:
            _report("more entries of the mail folder are not messages: skipped")
    return False


def report_gone(entry: Stored) -> None:
    """Report that a message does not exist any more."""
    _report(f"{entry.path}: was moved or removed meanwhile: skipped")


def _report(text: str) -> None:
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
