"""Files that a mail client renamed: which message one is, and whether the receiver wrote it.

The receiver's name of a file has the identity of the message. A file with another name was moved or copied by
a mail client, or it is a message that somebody put there: with IMAP's APPEND, with `letterbox import`, or by
hand. Such a message may be a stranger's whole work, with fields that look like ours at its top. The owner of
the mailbox need not know that: a message that somebody attached is appended by one drag of the mouse.

The receiver makes its files read-only, and nothing writes to them afterwards. To move or copy a message,
Dovecot renames the file or makes a hard link, and both keep the mode. What a mail client or `letterbox
import` writes, its owner may write to. So a read-only file is one that the receiver wrote, whatever its name
is. If a file lost its mode, its message is there and only the verdict is missing.

A keyed digest in the Received field would say the same, and would need a key on each host that must never be
lost, and work for each message. The owner of the mailbox can fool himself in either way, with `chmod` or with
the key. A sender or the author of an appended message can in neither.
"""

from __future__ import annotations

import os
import stat

from receiver import maildir
from receiver.reading import stored
from receiver.reading.sender import trace
from receiver.reading.stored import Stored

_TOP = 8192  # octets; our fields are shorter
_WRITABLE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH


def is_as_received(message: Stored) -> bool:
    """Whether the file is one that the receiver wrote. Call it if the name does not say so."""
    try:
        mode = os.lstat(message.path).st_mode
    except OSError:
        return False
    return stat.S_ISREG(mode) and not mode & _WRITABLE


def identity(message: Stored) -> str:
    """The identity that a renamed file claims in its fields; empty if it claims none, or is gone."""
    try:
        fd = stored.open_file(message)
    except OSError:
        return ""
    try:
        return trace.identity(os.read(fd, _TOP))
    except OSError:
        return ""
    finally:
        os.close(fd)


def received_identity(message: Stored) -> str:
    """The identity of a message. Empty if the receiver did not write its file, as far as that can be told."""
    return maildir.identity(message.name) or (identity(message) if is_as_received(message) else "")
