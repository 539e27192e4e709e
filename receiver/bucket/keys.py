"""The keys of the objects in the bucket. Pure.

A key is `YYYY-MM-DD/HH/<domain>/<mailbox>/<tail>`: the hour in UTC in which the message was first tried, the
mailbox percent-encoded, and what tells the message from others. A copy that is tried again has the same tail,
at any host, so the store itself knows what it has.

The tail is `H` and a digest of the copy's own fields and the content below our trace, if the content has a
Message-ID, because that belongs to one version of one message (RFC 5322 section 3.6.4). Without one, equal
messages may be two, and the tail is the message's identity. The verdict on the sender is not in the tail. A
copy from an authentic sender that comes after another's is kept beside it, with `A` after its tail.
"""

from __future__ import annotations

import hashlib
import re
import time
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote, unquote

from receiver import maildir
from receiver.mailbox import Mailbox

AUTHENTIC = "A"  # after a tail: the copy of an authentic sender, beside one that is not
LONGEST = 1024  # octets of a key (Amazon S3 and R2)
CHECKS = ".letterbox/check/"  # the prefix of the objects that the check makes and deletes
_MARGIN = 400  # octets of a key besides its mailbox: the prefix of the URL, the hour and the tail
_MAX_HEAD = 131_072  # octets of a header section in which a Message-ID is searched
_AT_LENGTH = 65_536  # octets of a piece for whose digest the interpreter's lock is let go
_AT_A_STROKE = 2047  # octets for which hashlib keeps the lock, whose handing over costs more
_SAFE = "@+=_-."
_HOUR = re.compile(r"\d{4}-\d\d-\d\d/\d\d")
_TAIL = re.compile(r"(?:H[0-9a-f]{40}|N[0-9a-f]{40}|M\d+P\d+Q\d+R[0-9a-f]+)A?")
_END_OF_HEAD = re.compile(rb"(?:\A|\n)\r?\n")
_MESSAGE_ID = re.compile(
    rb"^message-id[ \t]*:(?:[ \t]|\r?\n[ \t])*(?!<[ \t]*>|\s)[^\s]", re.IGNORECASE | re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Key:
    """The parts of a key. `hour` is like `2026-11-26/20`."""

    hour: str
    mailbox: Mailbox
    tail: str

    def __str__(self) -> str:
        return f"{self.hour}/{folder(self.mailbox)}/{self.tail}"


def parse(key: str) -> Key | None:
    """The parts of a key, without the prefix of the bucket's URL. None if it is not a key of ours."""
    parts = key.split("/")
    if len(parts) != 5:
        return None
    try:
        domain, name = (unquote(each, errors="strict") for each in parts[2:4])
    except UnicodeDecodeError:
        return None
    found = Key("/".join(parts[:2]), Mailbox(domain, name), parts[4])
    if not is_hour(found.hour) or not _TAIL.fullmatch(found.tail) or "\0" in key or str(found) != key:
        return None
    return None if "/" in domain + name else found


@lru_cache(4096)
def folder(mailbox: Mailbox) -> str:
    """The part of a key that stands for a mailbox: `<domain>/<mailbox>`, percent-encoded."""
    return f"{_encoded(mailbox.domain)}/{_encoded(mailbox.name)}"


def has_room_for(mailbox: Mailbox) -> bool:
    """Whether the keys of a mailbox are short enough for a store."""
    return len(folder(mailbox)) + _MARGIN <= LONGEST


def hour(seconds: float) -> str:
    """The hour of a time since 1970, such as `2026-11-26/20` (UTC)."""
    return _hour(int(seconds // 3600))


@lru_cache(4)
def _hour(hours: int) -> str:
    return time.strftime("%Y-%m-%d/%H", time.gmtime(hours * 3600))


def is_hour(text: str) -> bool:
    """Whether it is an hour as `hour` gives it."""
    if not _HOUR.fullmatch(text):
        return False
    try:
        time.strptime(text, "%Y-%m-%d/%H")
    except ValueError:
        return False
    return True


def _encoded(name: str) -> str:
    """A name as one part of a key, which must not be `.` or `..`."""
    return name.replace(".", "%2E") if name in {".", ".."} else quote(name, safe=_SAFE)


class Below:
    """The content below our trace, which may come in pieces: first `add` all of it, then ask for tails.

    The content is read once, for any number of copies.
    """

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self._head = b""
        self._has_id: bool | None = None  # None if nobody has looked yet

    def add(self, octets: bytes | bytearray | memoryview) -> None:
        """Add the next octets. Other threads run meanwhile if they are many."""
        if len(self._head) < _MAX_HEAD:
            self._head += bytes(octets[: _MAX_HEAD - len(self._head)])
        size = len(octets)
        if size > _AT_LENGTH:
            self._digest.update(octets)
            return
        view = memoryview(octets)
        for at in range(0, size, _AT_A_STROKE):
            self._digest.update(view[at : at + _AT_A_STROKE])

    def tail(self, fields: bytes, name: str) -> str:
        """The tail of a copy. `fields` are its own fields (Return-Path, Delivered-To), as they are stored.

        `name` is the name of its file. It counts only if there is no Message-ID.
        """
        if self._has_id is None:  # A stranger's header section may be long, and the copies many.
            self._has_id = has_message_id(self._head)
        if self._has_id:
            of_both = hashlib.sha256(b"%d:%b" % (len(fields), fields) + self._digest.digest())
            return "H" + of_both.hexdigest()[:40]
        identity = maildir.identity(name)
        return identity or "N" + hashlib.sha256(maildir.plain_name(name).encode()).hexdigest()[:40]


def has_message_id(content: bytes) -> bool:
    """Whether the header section at the start of a content has a Message-ID that is not empty."""
    end = _END_OF_HEAD.search(content, 0, _MAX_HEAD)
    return _MESSAGE_ID.search(content, 0, end.start() + 1 if end else _MAX_HEAD) is not None
