"""One message as octets: for the process that stores it, and in the write-ahead log. Pure.

A body is the names (of the file, of each copy's mailbox), then each copy's own header fields, then the
content, once. It is made by the receiver, and goes into the log as it came.

A record is a head and a body. The head holds a checksum (CRC-32, as in ext4's journal) over all that follows
it; the epoch, a number that only one use of a segment has; and the record's place in that use. So what an
earlier use left on the disk is never taken for a record, nor is a write that was torn or never finished.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from receiver.mailbox import Mailbox

_HEAD = struct.Struct("<4sII")  # magic, tombstone, checksum of the rest
_REST = struct.Struct("<QIII")  # epoch, place, octets of the names, octets of the message
_MAGIC = b"LBX1"
HEAD = _HEAD.size + _REST.size
TOMBSTONE = struct.pack("<I", 1)  # the message was refused after its record had been written
TOMBSTONE_AT = 4  # octets into the record, outside the checksum, so that it can be set afterwards


@dataclass(frozen=True, slots=True)
class Copy:
    """One mailbox's copy: the header fields that go above the content."""

    mailbox: Mailbox
    fields: bytes


@dataclass(frozen=True, slots=True)
class Record:
    """A message with its body; `names` is how many octets of the body are names."""

    name: str
    copies: Sequence[Copy]
    content: bytes
    body: bytes
    names: int


@dataclass(frozen=True, slots=True)
class Head:
    """What a record's head says of it."""

    checksum: int
    rest: bytes  # what the checksum begins with
    epoch: int
    names: int  # octets
    message: int  # octets
    withdrawn: bool  # it has a tombstone


def names_of(name: str, copies: Sequence[Copy]) -> bytes:
    """The names at the start of a body. A mailbox's names hold no NUL."""
    words = [name]
    for copy in copies:
        words += (copy.mailbox.domain, copy.mailbox.name, str(len(copy.fields)))
    return "\0".join(words).encode()


def make_record(name: str, copies: Sequence[Copy], content: bytes) -> Record:
    """A record of a message that has not been octets yet."""
    names = names_of(name, copies)
    return Record(
        name, copies, content, b"".join((names, *(copy.fields for copy in copies), content)), len(names)
    )


def parse_body(body: bytes, names: int) -> Record:
    """The record whose body this is."""
    name, *words = body[:names].decode().split("\0")
    copies, at = [], names
    for domain, mailbox, size in zip(words[::3], words[1::3], words[2::3], strict=True):
        copies.append(Copy(Mailbox(domain, mailbox), body[at : at + int(size)]))
        at += int(size)
    return Record(name, copies, body[at:], body, names)


def head_of(record: Record, epoch: int, place: int) -> bytes:
    """What goes before the body in the log. `epoch` is below 2**64, `place` below 2**32."""
    rest = _REST.pack(epoch, place, record.names, len(record.body) - record.names)
    return _HEAD.pack(_MAGIC, 0, zlib.crc32(record.body, zlib.crc32(rest))) + rest


def parse_head(octets: bytes, epoch: int | None, place: int) -> Head | None:
    """The head of the record with that place in that epoch (None: any), if this may be it."""
    if len(octets) < HEAD:
        return None
    magic, tombstone, checksum = _HEAD.unpack_from(octets)
    found, at, names, message = _REST.unpack_from(octets, _HEAD.size)
    if magic != _MAGIC or at != place or (epoch is not None and found != epoch):
        return None
    return Head(checksum, octets[_HEAD.size : HEAD], found, names, message, bool(tombstone))


def parse_record(head: Head, body: bytes) -> Record | None:
    """The record with that head; None where the octets that follow the head are not what was written."""
    if len(body) != head.names + head.message or zlib.crc32(body, zlib.crc32(head.rest)) != head.checksum:
        return None
    return parse_body(body, head.names)
