"""Selecting messages for list, show and export, so that all of them number messages in the same way.

Anything else among the messages (a link, a folder, a pipe) is skipped, and reported once.
"""

from __future__ import annotations

import heapq
import itertools
import os
import re
import stat
import sys
from collections.abc import Iterable, Iterator

from receiver import maildir
from receiver.reading import renamed, stored
from receiver.reading.stored import Maildir, Stored

_MOST_REPORTS = 20
_IDENTITY = re.compile(r"M\d+(P(\d+(Q(\d+(R[0-9a-f]*)?)?)?)?)?")  # or the beginning of one
_reported: set[str] = set()


def newest(boxes: Iterable[Maildir], count: int) -> list[Stored]:
    """The last `count` messages to arrive, the newest first. Raises OSError.

    A message did not arrive after its file got its name. So only the files with the latest names are looked
    at, and more of them as long as mail clients renamed some of these.
    """
    listed = [
        (folder, *each) for box in boxes for folder in stored.folders(box) for each in stored.names(folder)
    ]
    wanted = count
    while True:
        found = [
            Stored(folder, maildir.plain_name(name), f"{path}/{name}")
            for folder, path, names in listed
            for name in heapq.nlargest(wanted, names)
        ]
        found = heapq.nlargest(wanted, found, key=lambda each: (each.name, each.path))
        has_all = len(found) < wanted
        latest_of_others = 0 if has_all else found[-1].named_at or sys.maxsize
        timed = sorted(((each.arrived, each.name, each.path, each) for each in found), reverse=True)
        certain = (each for arrived, _, _, each in timed if arrived >= latest_of_others)
        messages = list(itertools.islice(filter(is_message, certain), count))
        if has_all or len(messages) == count:
            return messages
        wanted *= 8


def everything(boxes: Iterable[Maildir]) -> Iterator[Stored]:
    """All messages, one mailbox after the other, each with its oldest message first. Raises OSError."""
    return filter(is_message, stored.everything(boxes))


def find(boxes: Iterable[Maildir], wanted: str) -> list[Stored]:
    """The messages whose identity or name begins with `wanted`, or whose path it is; the newest first.

    Of several files of one message, that in the mailbox itself is the first. Only if no name matches, the
    files that mail clients renamed are opened, and the first one that has the identity is found.
    """
    hits, others = [], []
    for each in stored.entries(boxes):
        if each.identity.startswith(wanted) or each.name.startswith(wanted) or each.path == wanted:
            hits.append(each)
        elif not maildir.identity(each.name):
            others.append(each)
    hits.sort(key=lambda each: each.maildir.folder)
    hits.sort(key=lambda each: each.name, reverse=True)
    return list(filter(is_message, hits)) or _renamed(others, maildir.identity(wanted) or wanted)


def _renamed(others: list[Stored], wanted: str) -> list[Stored]:
    """The message with the identity `wanted` among files that mail clients renamed, the latest first.

    A file that the receiver wrote goes before one that only claims the identity.
    """
    claims: list[Stored] = []
    if _IDENTITY.fullmatch(wanted):
        for each in sorted(others, key=lambda each: each.name, reverse=True):
            if renamed.identity(each).startswith(wanted):
                if renamed.is_as_received(each):
                    return [each]
                claims.append(each)
    return claims[:1]


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
