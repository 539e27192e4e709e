"""A file of a Maildir, as the bucket has it: its parts, its tail, its name, and what was found of its sender.

A file that the receiver wrote begins with our fields. The copy's own fields and what the sender wrote are
hashed for its tail (`receiver.bucket.keys`), and the fields between them are not. It is such a file if the
identity in our Received field is in its name, or if it is read-only because a mail client has renamed it
(`reading.renamed`).

Any other file was imported, or a mail client wrote it. All of it may be a stranger's, also fields that look
like ours. So it has no fields of ours, all of it is hashed, and nothing is known of its sender. Its name in
the bucket is that of an import, made of its content. So it is the same in every run and on every host.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from receiver import headers, maildir
from receiver.bucket.keys import Below
from receiver.bucket.protocol import Sender
from receiver.reading.sender import authentication_results, trace, verdict
from receiver.reading.sender.verdict import Answer

_HEAD = 16_384  # octets; our fields are shorter
_OURS = re.compile(r"\d{1,11}\.M\d+P\d+Q\d+R[0-9a-f]+\.[^\s/:\x00-\x1f\x7f]+")
_IMPORTED = re.compile(r"\d{1,11}\.(I[0-9a-f]{32}Q\d+R[0-9a-f]+)\.[^\s/:\x00-\x1f\x7f]+")
_HUGE = 67_108_864  # octets
_LONGEST_NAME = 230  # octets, so that flags have room (NAME_MAX is 255)
_SENDERS: dict[Answer, Sender] = {
    Answer.YES: "authentic",
    Answer.FAILED: "unknown",
    Answer.UNCHECKED: "unknown",
}  # All others were checked, and not shown to be authentic.


@dataclass(frozen=True, slots=True)
class MailFile:
    """What a file comes to. `fields` are the copy's own; `trace` are the octets of our further fields."""

    name: str
    fields: bytes
    trace: int
    tail: str
    sender: Sender
    is_ours: bool


def is_name(name: str) -> bool:
    """Whether a file may be given that name: the receiver's, or that of an import."""
    return len(name.encode("utf-8", "replace")) <= _LONGEST_NAME and bool(
        _OURS.fullmatch(name) or _IMPORTED.fullmatch(name)
    )


def identity(name: str) -> str:
    """The identity in the name of a file that the receiver or an import wrote; empty for another name."""
    imported = _IMPORTED.match(name)
    return imported[1] if imported else maildir.identity(name)


def read(
    octets: memoryview, file_name: str, hostname: str, arrived: Callable[[], float], *,
    is_read_only: bool, may_be_filled: bool = True,
) -> MailFile:  # fmt: skip
    """What the content of a file comes to. `arrived` says when it arrived, if its name does not.

    `may_be_filled` is that of `trace.top`.
    """
    name = maildir.plain_name(file_name)
    head = bytes(octets[:_HEAD])
    top = trace.top(head, may_be_filled=may_be_filled)
    named = maildir.identity(name)
    if top and (named == top.identity or (not named and is_read_only)):
        if not is_name(name):  # A mail client has renamed it.
            name = f"{int(arrived())}.{top.identity}.{_safe(hostname)}"
        own = head[: top.own]
        tail = _tail(own, octets[top.all :], name)
        return MailFile(name, own, top.all - top.own, tail, _sender(head[: top.all], name), True)
    digest = hashlib.sha256(octets).hexdigest()
    if not is_name(name) or not identity(name).startswith(f"I{digest[:32]}Q"):
        name = f"{int(arrived()):010d}.I{digest[:32]}Q1R{digest[32:40]}.{_safe(hostname)}"
    return MailFile(name, b"", 0, _tail(b"", octets, name), "unknown", False)


def problem(tail: str, name: str, octets: memoryview) -> str:
    """Why an object of the bucket is not the message that its key and its name say; empty if it is."""
    if not is_name(name):
        return "its name is not that of a message"
    for may_be_filled in (True, False):
        found = read(octets, name, "", lambda: 0.0, is_read_only=False, may_be_filled=may_be_filled)
        if found.name != name or is_ours(name) is not found.is_ours:
            return "its name is not that of its content"
        if found.tail == tail:
            return ""
    return "its content does not match its key"


def content(fd: int) -> memoryview:
    """The content of an open file. Only a huge one is mapped, because it must not shrink meanwhile."""
    size = os.fstat(fd).st_size
    if size > _HUGE:
        return memoryview(mmap.mmap(fd, size, prot=mmap.PROT_READ))
    octets = b""
    while piece := os.pread(fd, size + 1, len(octets)):
        octets = octets + piece if octets else piece
    return memoryview(octets)


def is_ours(name: str) -> bool:
    """Whether the receiver wrote the file that has this name in the bucket."""
    return bool(maildir.identity(name))


def arrived(name: str) -> float:
    """When the message of that name in the bucket arrived, in seconds since 1970, but not in the future."""
    return min(float(name.partition(".")[0]), time.time())


def _tail(fields: bytes, content: memoryview, name: str) -> str:
    below = Below()
    below.add(content)
    return below.tail(fields, name)


def _sender(top: bytes, name: str) -> Sender:
    results = trace.read(headers.parse_fields(top), name).results
    answer = verdict.judge(authentication_results.parse(results) if results else None).answer
    return _SENDERS.get(answer, "forged")


def _safe(hostname: str) -> str:
    return hostname.replace("/", "\\057").replace(":", "\\072")[:160] or "unknown"
