"""Removing the old messages of one mailbox, or counting what would go.

A message that goes is unlinked, and each folder that lost one is synced once (fsync(2)). So a run can end at
any moment: what it did not remove, the next one does.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path

from receiver.keeping import age, tree
from receiver.keeping.undelivered import Inode
from receiver.mailbox import Mailbox

_REPORT_EVERY = 1000  # messages
_MOST_FAILURES = 10  # that are told; all are counted


@dataclass(slots=True)
class Outcome:
    """What became of a mailbox. Times are in seconds since 1970, sizes in octets."""

    mailbox: Mailbox
    before: float  # messages that arrived before this time go
    messages: int = 0  # removed, or to be removed
    octets: int = 0
    oldest: float | None = None
    newest: float = 0.0  # the newest time in a name that the receiver gave
    undelivered: int = 0  # old enough, but a hook has not delivered them
    undated: int = 0  # with a time of arrival that cannot be right
    failed: int = 0  # could not be removed
    failures: list[str] = field(default_factory=list)  # some of them, with the reason


def remove_old(
    mail: Path,
    mailbox: Mailbox,
    before: float,
    undelivered: Collection[Inode],
    *,
    dry_run: bool = False,
    progress: Callable[[int, int], None] = lambda seen, removed: None,
) -> Outcome:
    """Remove what arrived before that time. `progress` is told how many messages were seen and went.

    Raises OSError if a folder cannot be read.
    """
    outcome, seen = Outcome(mailbox, before), 0
    for path, folder in tree.folders(mail, mailbox):
        already = outcome.messages
        for name in os.listdir(folder):  # noqa: PTH208 - a descriptor has no path
            if seen % _REPORT_EVERY == 0:
                progress(seen, outcome.messages)
            seen += 1
            if tree.is_message_name(name):
                try:
                    _judge(folder, name, outcome, undelivered, dry_run)
                except FileNotFoundError:
                    continue  # A client renamed or removed it. The next run sees it under its new name.
                except OSError as error:
                    outcome.failed += 1
                    if len(outcome.failures) < _MOST_FAILURES:
                        outcome.failures.append(f"{mailbox}: {path}/{name}: {error.strerror}")
        if outcome.messages > already and not dry_run:
            os.fsync(folder)
    return outcome


def _judge(folder: int, name: str, outcome: Outcome, undelivered: Collection[Inode], dry_run: bool) -> None:
    """Remove one message if it is old enough. Raises OSError."""
    arrived = age.in_name(name)
    if arrived is not None:
        outcome.newest = max(outcome.newest, arrived)
        if arrived >= outcome.before:
            return  # Young messages cost no system call.
    state = os.stat(name, dir_fd=folder, follow_symlinks=False)
    if not stat.S_ISREG(state.st_mode):
        return
    arrived = state.st_mtime if arrived is None else arrived
    if arrived >= outcome.before:
        return
    if not age.is_credible(name, arrived):
        outcome.undated += 1
    elif (state.st_dev, state.st_ino) in undelivered:
        outcome.undelivered += 1
    else:
        if not dry_run:
            os.unlink(name, dir_fd=folder)
        outcome.messages += 1
        outcome.octets += state.st_size
        outcome.oldest = arrived if outcome.oldest is None else min(outcome.oldest, arrived)
