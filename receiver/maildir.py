"""The names in a Maildir (maildir(5)): the files that the receiver named, and the folders of mail clients.

A mail client adds flags to the name of a file (`:2,S`). If it moves or copies the file, it may give it
another name. The file stays the same then, because Dovecot renames it or makes a hard link.
"""

from __future__ import annotations

import os
import re

PARTS = ("new", "cur")  # the folders that hold messages
# Of the messages that the receiver stores. Nothing writes to them afterwards, and mail clients, which write
# messages too, make other modes. So a renamed file tells by its mode who wrote it (`reading.renamed`).
FILE_MODE = 0o400
_OURS = re.compile(r"\d{1,11}\.(M\d+P\d+Q\d+R[0-9a-f]+)\.")
NO_SUBFOLDERS = frozenset({*PARTS, "tmp"})
DEEPEST = 16  # folders inside folders


def identity(name: str) -> str:
    """The identity in a name that the receiver gave a file. Empty if another program named the file."""
    found = _OURS.match(name)
    return found[1] if found else ""


def plain_name(name: str) -> str:
    """The name without the flags that mail clients add to it."""
    return name.partition(":")[0]


def subfolders(path: str) -> list[str]:
    """The folders that mail clients made in a mailbox, in whatever layout. Links do not count.

    `path` is the mailbox, and the folders are paths below it. Raises OSError if one cannot be read.
    """
    found: list[str] = []
    level = [path]
    for _ in range(DEEPEST):
        level = sorted(below for folder in level for below in _folders_in(folder))
        if not level:
            break
        found += level
    return found


def _folders_in(path: str) -> list[str]:
    try:
        with os.scandir(path) as entries:
            return [
                entry.path
                for entry in entries
                if entry.name not in NO_SUBFOLDERS and entry.is_dir(follow_symlinks=False)
            ]
    except (FileNotFoundError, NotADirectoryError):
        return []
