"""The parts of a message, found in one pass however deep they nest (RFC 2045, RFC 2046).

Works on a buffer such as a mapped file: nothing is copied but the headers and the text that is asked for.
Never raises for what a message holds.
"""

from __future__ import annotations

import binascii
import html
import mmap
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from receiver.reading import headers
from receiver.reading.headers import Fields

Buffer = bytes | mmap.mmap

_MAX_DEPTH = 30  # multiparts in multiparts; deeper ones are taken as text
_MAX_PARTS = 1000
_MAX_TEXT = 2_097_152  # octets of one part, as encoded, that are shown
_BLANK = re.compile(rb"\n\r?\n")
_TAG = re.compile(r"<[^<>]*>")
_BREAK = re.compile(r"<(?:br|/p|/div|/tr|/li|/h[1-6])\b[^<>]*>", re.IGNORECASE)
_SPACES = re.compile(r"[ \t\r\n]+")


@dataclass(frozen=True)
class Part:
    """A header section and the body below it, as offsets into the message."""

    fields: Fields
    start: int
    end: int

    @cached_property
    def _type(self) -> tuple[str, Mapping[str, str]]:
        return self.fields.parameters("content-type")

    @property
    def content_type(self) -> str:
        kind = self._type[0]
        return kind if "/" in kind else "text/plain"

    @property
    def boundary(self) -> bytes:
        """What separates its parts; empty if it has none."""
        if not self.content_type.startswith("multipart/"):
            return b""
        return self._type[1].get("boundary", "").rstrip().encode("utf-8", "replace")[:200]

    @cached_property
    def filename(self) -> str:
        """What the sender calls the file, without folders; empty if it has no name."""
        disposition = self.fields.parameters("content-disposition")[1]
        name = disposition.get("filename") or self._type[1].get("name", "")
        name = headers.decoded(name.encode("utf-8", "replace"))
        return name.replace("\\", "/").rpartition("/")[2]

    @property
    def is_attachment(self) -> bool:
        disposition = self.fields.parameters("content-disposition")[0]
        return disposition == "attachment" or bool(self.filename) or not self.content_type.startswith("text/")

    def text(self, message: Buffer) -> str:
        """Its text, with LF line ends: transfer encoding and charset undone, tags of HTML left out."""
        octets = bytes(message[self.start : min(self.end, self.start + _MAX_TEXT)])
        encoding = self.fields.raw("content-transfer-encoding").strip().lower()
        if encoding == b"base64":
            octets = headers.base64(octets)
        elif encoding == b"quoted-printable":
            octets = binascii.a2b_qp(octets)
        text = headers.text_of(octets, self._type[1].get("charset", "")).replace("\r\n", "\n")
        return _without_tags(text) if self.content_type == "text/html" else text


def parts(message: Buffer) -> list[Part]:
    """The leaves, in order: all parts but the multiparts themselves. At least one, if only an empty one."""
    root = _part(message, 0, len(message))
    if not root.boundary:
        return [root]
    leaves: list[Part] = []
    boundaries = [root.boundary]
    at = root.start
    for _ in range(_MAX_PARTS):
        line = _line(boundaries).search(message, max(0, at - 1))
        if line is None:
            break
        del boundaries[boundaries.index(line[1]) + (0 if line[2] else 1) :]
        at = line.end() + 1
        if line[2]:
            if not boundaries:
                break
            continue
        following = _line(boundaries).search(message, max(0, at - 1))
        part = _part(message, at, _before(message, following))
        if part.boundary and len(boundaries) < _MAX_DEPTH:
            boundaries.append(part.boundary)
            at = part.start
        else:
            leaves.append(part)
            at = following.start() + 1 if following else len(message)
    return leaves or [root]


def body_text(message: Buffer, leaves: list[Part]) -> str:
    """What a reader wants to see first: the plain text, else the HTML without its tags, else nothing."""
    texts = [part for part in leaves if not part.is_attachment]
    for kind in ("text/plain", "text/html", ""):
        for part in texts:
            if kind in ("", part.content_type):
                return part.text(message)
    return ""


def _line(boundaries: list[bytes]) -> re.Pattern[bytes]:
    """The next line that is any of the boundaries, the innermost first; group 2 tells that it closes."""
    either = b"|".join(re.escape(boundary) for boundary in reversed(boundaries))
    return re.compile(rb"\n--(" + either + rb")(--)?[ \t]{0,100}\r?(?=\n|\Z)")


def _before(message: Buffer, line: re.Match[bytes] | None) -> int:
    """Where the body before a boundary ends: its last line end belongs to the boundary."""
    if line is None:
        return len(message)
    return line.start() - (message[line.start() - 1 : line.start()] == b"\r")


def _part(message: Buffer, start: int, end: int) -> Part:
    """The part between two offsets. Without a blank line all of it is header."""
    if start == 0 and message[:2].startswith((b"\n", b"\r\n")):
        return Part(Fields(), message.find(b"\n") + 1, end)
    blank = _BLANK.search(message, max(0, start - 1), end)
    body = blank.end() if blank else end
    return Part(
        headers.parse(bytes(message[start : min(body, start + headers.MAX_HEAD)])), min(body, end), end
    )


def _without_tags(text: str) -> str:
    """HTML as lines of text. Linear in its length, whatever it holds."""
    for element in ("head", "style", "script"):
        text = _without_element(text, element)
    lines = _BREAK.sub("\0", _SPACES.sub(" ", text)).split("\0")
    bare = "\n".join(html.unescape(_TAG.sub("", line)).strip() for line in lines)
    return re.sub(r"\n{3,}", "\n\n", bare).strip("\n") + "\n"


def _without_element(text: str, name: str) -> str:
    pattern = re.compile(rf"<(/?){name}\b[^<>]*>", re.IGNORECASE)
    kept, at, opened = [], 0, False
    for tag in pattern.finditer(text):
        if tag[1] and opened:
            at, opened = tag.end(), False
        elif not tag[1] and not opened:
            kept.append(text[at : tag.start()])
            opened = True
    return "".join(kept) + ("" if opened else text[at:])
