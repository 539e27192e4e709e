"""The queue of the bucket: where the messages lie that this disk has and the bucket may not have yet.

Under `promise = "disk"` the storage makes a hard link `<mail>/.bucket/pending/NAME` to each message's file,
in the same durable step as the message, as it does for hooks. `letterbox push --follow` removes it when the
bucket has the message, and only then. NAME is that of a hook's link (`hook_queue.link_name`).

Only the receiver's own user reads the queue. So it changes no file's mode.
"""

from __future__ import annotations

from pathlib import Path

from receiver.hook_queue import Queue
from receiver.mailbox import Mailbox

FOLDER = ".bucket"  # in the mail folder


def queue(mail: Path) -> Queue:
    """The queue. Of its folders only pending/ is used, and it may be missing."""
    return Queue(mail / FOLDER)


def pushed(mail: Path) -> Path:
    """The file that says when the bucket last had all mail of this host. Without it nobody knows that."""
    return mail / FOLDER / "pushed"


def wants(mailbox: Mailbox) -> bool:
    """Whether mail for that mailbox goes to the bucket.

    The messages of `letterbox proof` and of our own tests, whose mailbox begins with a dot (`one_time`), stay
    on this disk.
    """
    return not mailbox.name.startswith(".")
