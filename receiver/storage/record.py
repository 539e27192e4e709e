"""One message in the write-ahead log: its file name, its copies and its content, as octets and back. Pure.

A record is a head, the names, and the octets of the message: each copy's own fields, then the content, once.
The head holds a checksum (CRC-32, as in ext4's journal) over all that follows it; the epoch, a number that
only one use of a segment has; and the record's place in that use. What is left on the disk of an earlier use,
of a write that was torn, or of one that was never finished, is therefore never taken for a record.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from receiver.recipients import Mailbox

_HEAD = struct.Struct("<4sII")  # magic, withdrawn, checksum of the rest
_REST = struct.Struct("<QIII")  # epoch, place, octets of the names, octets of the message
_MAGIC = b"LBX1"
HEAD = _HEAD.size + _REST.size
WITHDRAWN = struct.pack("<I", 1)
WITHDRAWN_AT = 4  # octets into the record: beside the checksum, so that it can be set afterwards


@dataclass(frozen=True, slots=True)
class Copy:
    """One mailbox's copy: the fields that go above the content."""

    mailbox: Mailbox
    fields: bytes


@dataclass(frozen=True, slots=True)
class Record:
    """A message: the name of its files, its copies, its content."""

    name: str
    copies: Sequence[Copy]
    content: bytes


@dataclass(frozen=True, slots=True)
class Head:
    """What a record's head says of it."""

    checksum: int
    rest: bytes  # what the checksum begins with
    epoch: int
    names: int  # octets
    message: int  # octets
    withdrawn: bool  # the message was refused after it had been written


def body(record: Record) -> tuple[bytes, list[bytes]]:
    """The names as octets, and the octets of the message, in pieces."""
    words = [record.name]
    for copy in record.copies:
        words += (copy.mailbox.domain, copy.mailbox.name, str(len(copy.fields)))
    return "\0".join(words).encode(), [*(copy.fields for copy in record.copies), record.content]


def parsed(octets: bytes, size: int) -> Record:
    """The record whose names, of that size, and message these octets are."""
    name, *words = octets[:size].decode().split("\0")
    copies, at = [], size
    for domain, mailbox, fields in zip(words[::3], words[1::3], words[2::3], strict=True):
        copies.append(Copy(Mailbox(domain, mailbox), octets[at : at + int(fields)]))
        at += int(fields)
    return Record(name, copies, octets[at:])


def packed(record: Record, epoch: int, place: int) -> list[bytes]:
    """The record as octets, in pieces. `epoch` below 2**64, `place` below 2**32."""
    names, message = body(record)
    rest = _REST.pack(epoch, place, len(names), sum(map(len, message)))
    checksum = zlib.crc32(rest + names)
    for piece in message:
        checksum = zlib.crc32(piece, checksum)
    return [_HEAD.pack(_MAGIC, 0, checksum) + rest + names, *message]


def head(octets: bytes, epoch: int | None, place: int) -> Head | None:
    """The head of the record with that place in that epoch (None: any), if this may be it."""
    if len(octets) < HEAD:
        return None
    magic, withdrawn, checksum = _HEAD.unpack_from(octets)
    found, at, names, message = _REST.unpack_from(octets, _HEAD.size)
    if magic != _MAGIC or at != place or (epoch is not None and found != epoch):
        return None
    return Head(checksum, octets[_HEAD.size : HEAD], found, names, message, bool(withdrawn))


def unpacked(head: Head, octets: bytes) -> Record | None:
    """The record whose head that is; None where the octets that follow it are not what was written."""
    if len(octets) != head.names + head.message or zlib.crc32(octets, zlib.crc32(head.rest)) != head.checksum:
        return None
    return parsed(octets, head.names)
