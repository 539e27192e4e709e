"""The form of one message as octets, for the writer and for the write-ahead log. Pure.

A body has the names of the file and of each copy's mailbox, then each copy's own header fields, then the
content once. The receiver makes the body, and the writer writes it to the log unchanged.

A record is a head and a body. The head has a checksum (CRC-32, as in ext4's journal) over all that follows
it, an epoch, and a place. The epoch is a random number for one use of a segment, from empty to empty. The
place is the record's number in that use. So no reader takes octets of an earlier use, or a write that was
torn or never finished, for a record.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from receiver.mailbox import Mailbox

_HEAD = struct.Struct("<4sII")  # magic, tombstone, checksum of all that follows
_REST = struct.Struct("<QIII")  # epoch, place, octets of the names, octets of the message
_MAGIC = b"LBX1"
HEAD = _HEAD.size + _REST.size  # octets
# The tombstone of a record says that its message was refused after the record was written. It is outside of
# the checksum, so that it can be written afterwards.
TOMBSTONE = struct.pack("<I", 1)
TOMBSTONE_AT = 4  # octets into the record


@dataclass(frozen=True, slots=True)
class Copy:
    """One mailbox's copy of a message. `fields` are the header fields above its content, with CRLF."""

    mailbox: Mailbox
    fields: bytes


@dataclass(frozen=True, slots=True)
class Record:
    """A message, and the same as a body of octets."""

    name: str  # of the files
    copies: Sequence[Copy]
    content: bytes
    body: bytes
    names: int  # octets of the names in the body


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a record."""

    checksum: int
    rest: bytes  # the part of the head that the checksum covers
    epoch: int
    names: int  # octets of the names
    message: int  # octets of the header fields and the content
    has_tombstone: bool


def pack_names(name: str, copies: Sequence[Copy]) -> bytes:
    """The names at the start of a body, separated by NUL. No name contains NUL."""
    words = [name]
    for copy in copies:
        words += (copy.mailbox.domain, copy.mailbox.name, str(len(copy.fields)))
    return "\0".join(words).encode()


def make_record(name: str, copies: Sequence[Copy], content: bytes) -> Record:
    """The record of a message."""
    names = pack_names(name, copies)
    return Record(
        name, copies, content, b"".join((names, *(copy.fields for copy in copies), content)), len(names)
    )


def parse_body(body: bytes, names: int) -> Record:
    """The record of a body. `names` is the number of octets of its names."""
    name, *words = body[:names].decode().split("\0")
    copies, at = [], names
    for domain, mailbox, size in zip(words[::3], words[1::3], words[2::3], strict=True):
        copies.append(Copy(Mailbox(domain, mailbox), body[at : at + int(size)]))
        at += int(size)
    return Record(name, copies, body[at:], body, names)


def pack_head(record: Record, epoch: int, place: int) -> bytes:
    """The head that precedes the record's body in the log. `epoch` is below 2**64, `place` below 2**32."""
    rest = _REST.pack(epoch, place, record.names, len(record.body) - record.names)
    return _HEAD.pack(_MAGIC, 0, zlib.crc32(record.body, zlib.crc32(rest))) + rest


def parse_head(octets: bytes, epoch: int | None, place: int) -> Head | None:
    """The head of the record at that place in that epoch (None: any epoch); None if this is not its head."""
    if len(octets) < HEAD:
        return None
    magic, tombstone, checksum = _HEAD.unpack_from(octets)
    found, at, names, message = _REST.unpack_from(octets, _HEAD.size)
    if magic != _MAGIC or at != place or (epoch is not None and found != epoch):
        return None
    return Head(checksum, octets[_HEAD.size : HEAD], found, names, message, bool(tombstone))


def parse_record(head: Head, body: bytes) -> Record | None:
    """The record with that head; None if the checksum does not match the octets that follow the head."""
    if len(body) != head.names + head.message or zlib.crc32(body, zlib.crc32(head.rest)) != head.checksum:
        return None
    return parse_body(body, head.names)
