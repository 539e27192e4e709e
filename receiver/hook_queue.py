"""The queues of hooks: where they lie, which mailboxes they get, and what the messages in them are called.

A hook tells a program of each message to some mailboxes. Its queue is `<mail>/.hooks/<hook>`:

- `pending/NAME` is a hard link to a message's file. The storage makes it in the same durable step as the
  message, so a 250 promises both. The hook's process removes it when the target has taken the message, and
  only then.
- `dead/NAME` is a message that the hook's process has given up.
- `state/` has `state.json` and `retry`. They belong to the hook's process and to `letterbox hooks`, never to
  the receiver.

A hook's process reads mail of strangers, so it may turn against us. It may write in these three folders, and
not in the folder above them. So it cannot put a link in the place of one, which the receiver would follow.
What it may put into them, such as a link or a folder, is never followed, and is no message.

NAME is the id that the target sees. It stays the same in every attempt, also after a crash.

The hook's process is another user, so the files of a message that a hook gets have FILE_MODE. Everybody else
is kept out by the folder above the mail folder, which only the receiver's user may enter. A group of the file
is no way, because the receiver's unit has PrivateUsers=yes and cannot give a file to another group.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from receiver.mailbox import Mailbox

FOLDER = ".hooks"  # in the mail folder
FILE_MODE = 0o444  # of the files of a message that a hook gets; all other files have `maildir.FILE_MODE`
_HOOK = re.compile(r"[a-z][a-z0-9-]{0,31}")
_NAME = re.compile(r"(.+)\.([0-9a-f]{8})", re.DOTALL)


def is_hook_name(text: str) -> bool:
    """Whether a hook can have that name: a lower-case letter, then up to 31 letters, digits and hyphens."""
    return _HOOK.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Hook:
    """A hook. It gets the mail of `mailboxes`, and of all recipients of `domains`."""

    name: str
    mailboxes: frozenset[Mailbox] = frozenset()
    domains: frozenset[str] = frozenset()

    def wants(self, mailbox: Mailbox) -> bool:
        """Whether the hook gets the mail of that mailbox.

        A domain does not stand for the messages of `letterbox proof` and of our own tests, whose mailbox
        begins with a dot (`one_time`).
        """
        return mailbox in self.mailboxes or (
            mailbox.domain in self.domains and not mailbox.name.startswith(".")
        )


def wanting(hooks: Sequence[Hook], mailbox: Mailbox) -> tuple[Hook, ...]:
    """The hooks that get the mail of that mailbox, in their order."""
    return tuple(each for each in hooks if each.wants(mailbox))


def digits(mailbox: Mailbox) -> str:
    """The eight hexadecimal digits that stand for a mailbox: of the SHA-256 of `mailbox@domain`."""
    return hashlib.sha256(str(mailbox).encode()).hexdigest()[:8]


def link_name(file: str, mailbox: Mailbox) -> str:
    """NAME of a message's link. `file` is the name of its file in new/, the same in all mailboxes."""
    return f"{file}.{digits(mailbox)}"


def file_of(name: str) -> str | None:
    """The name that the message's file had in new/; None if `name` is not the name of a link."""
    match = _NAME.fullmatch(name)
    return match[1] if match else None


@dataclass(frozen=True, slots=True)
class Queue:
    """The queue of one hook, at `folder`. Its last part is the hook's name. The methods may raise OSError."""

    folder: Path

    @property
    def hook(self) -> str:
        return self.folder.name

    @property
    def pending(self) -> Path:
        return self.folder / "pending"

    @property
    def dead(self) -> Path:
        return self.folder / "dead"

    @property
    def state(self) -> Path:
        return self.folder / "state" / "state.json"

    @property
    def retry(self) -> Path:
        return self.folder / "state" / "retry"

    def pending_names(self) -> list[str]:
        """The names in pending/, the oldest message first. Empty if the folder is missing."""
        return _names(self.pending)

    def dead_names(self) -> list[str]:
        """The names in dead/, the oldest message first. Empty if the folder is missing."""
        return _names(self.dead)


def queue(mail: Path, hook: str) -> Queue:
    """The queue of the hook of that name. Its folders may be missing."""
    return Queue(mail / FOLDER / hook)


def queues(mail: Path) -> list[Queue]:
    """All queues that exist, by name. Some may be of hooks that the configuration no longer has.

    Raises OSError if the folder cannot be read.
    """
    folder = mail / FOLDER
    try:
        return sorted(
            (Queue(path) for path in folder.iterdir() if is_hook_name(path.name) and path.is_dir()),
            key=lambda each: each.hook,
        )
    except FileNotFoundError:
        return []


def _names(folder: Path) -> list[str]:
    """The names of the messages in a folder, by the time at which they came. What is no regular file is none.

    Raises OSError if the folder is a link.
    """
    try:
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return []
    try:
        with os.scandir(fd) as entries:
            found = [each.name for each in entries if file_of(each.name) and _is_file(each)]
    finally:
        os.close(fd)
    return sorted(found, key=age)


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file(follow_symlinks=False)
    except OSError:  # It was delivered meanwhile, or it cannot be told.
        return False


def age(name: str) -> tuple[int, str]:
    """A key to sort names by. They begin with seconds, and go on with microseconds (`Store.identity`)."""
    seconds = name.partition(".")[0]
    # A number of a stranger's file may have thousands of digits, which int() refuses.
    return (int(seconds) if seconds.isascii() and seconds.isdigit() and len(seconds) < 20 else 0, name)
