"""The store of a fleet as a value."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

KEY = "store"
DISK, BUCKET = "disk", "bucket"
PROMISES = (DISK, BUCKET)
AUTO = "auto"


@dataclass(frozen=True, slots=True)
class Store:
    """A bucket of an S3-compatible store, for all hosts.

    `urls` are the gateways of one store, tried in turn. Each ends with the bucket, and the prefix if there
    is one. `promise` says what a 250 means: with `disk` this disk has the message, and the bucket follows;
    with `bucket` the bucket has it for every mailbox. `pull` are the names (`MailHost.name`) of the hosts
    that bring the mail of the bucket into their own Maildirs. `keep` is after how many days the bucket
    removes a message by its own rule; None says nothing about that.
    """

    urls: tuple[str, ...]
    promise: str = DISK
    region: str = AUTO
    pull: tuple[str, ...] = ()
    keep: int | None = None
    allow_http: bool = False

    @property
    def bucket(self) -> str:
        """The name of the bucket."""
        return urlsplit(self.urls[0]).path.split("/")[1]

    @property
    def prefix(self) -> str:
        """What every key begins with: empty, or words that end with a slash."""
        words = urlsplit(self.urls[0]).path.split("/")[2:]
        return "".join(f"{word}/" for word in words)
