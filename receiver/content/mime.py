"""The parts of a message as a tree (RFC 2045, RFC 2046), found in one pass without recursion.

Works on a buffer such as a mapped file, and copies only the headers. Nothing in a message makes it raise.
This parser is our own, because the standard library's email package recurses as deep as a message nests and
copies each part. It looks at each octet once, however many boundaries the octet nearly matches.
"""

from __future__ import annotations

import mmap
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from receiver import headers
from receiver.headers import Fields

Buffer = bytes | mmap.mmap

_MAX_DEPTH = 30  # multiparts inside multiparts; deeper ones count as text
_MAX_MULTIPARTS = 100  # in one message, because each costs the compilation of a pattern
_MAX_MESSAGES = 5  # messages inside messages
_MAX_PART_HEAD = 32_768  # octets of the header of a part
_MAX_LINES = 2000  # boundary lines
_MAX_BOUNDARIES = 2000  # octets of all boundaries that are open at one time
_LONGEST_LINE = 2200  # octets of a boundary line without a line end
_PREAMBLE = 65_536  # octets in which the first boundary line is expected
_BLANK = re.compile(rb"\n\r?\n")
_UNNAMED = re.compile(rb"\n--([^\s][^\r\n]{0,198})\r?\n(?:\r?\n)?content-[a-z-]{1,30}[ \t]*:", re.IGNORECASE)
_MESSAGES = {"message/rfc822", "message/global", "message/news"}


@dataclass(eq=False)
class Part:
    """A header section and the body below it, as offsets into the message."""

    fields: Fields
    start: int
    end: int
    default_type: str = "text/plain"
    within: str = ""  # the content type of the part around it
    children: list[Part] = field(default_factory=list)
    is_cut: bool = False  # for the root: whether the message has more parts than were read

    @cached_property
    def _type(self) -> tuple[str, Mapping[str, str]]:
        return self.fields.parameters("content-type")

    @cached_property
    def content_type(self) -> str:
        """The content type, such as text/plain. RFC 2045 section 5.2 says which one a wrong field means."""
        kind, parameters = self._type
        if re.fullmatch(r"[^\s/]+/[^\s/]+", kind):
            return kind
        if kind == "multipart" or "boundary" in parameters:
            return "multipart/mixed"
        if kind and kind != "text" and self.filename:
            return "application/octet-stream"
        return "text/plain" if kind else self.default_type

    @property
    def parameters(self) -> Mapping[str, str]:
        """The parameters of the content type, by their names in lower case."""
        return self._type[1]

    @cached_property
    def disposition(self) -> str:
        """`inline`, `attachment` or empty. Unknown words count as attachment (RFC 2183 section 2.8)."""
        said = self.fields.parameters("content-disposition")[0]
        return said if said in ("", "inline") else "attachment"

    @cached_property
    def filename(self) -> str:
        """The name that the sender gave the file, without folders; empty if there is none."""
        disposition = self.fields.parameters("content-disposition")[1]
        name = disposition.get("filename") or self._type[1].get("name", "")
        return name.replace("\\", "/").rpartition("/")[2]

    @cached_property
    def encoding(self) -> str:
        """The transfer encoding as one lower-case word: base64, quotedprintable, uuencode, or another."""
        word = self.fields.parameters("content-transfer-encoding")[0]
        word = re.sub(r"[^a-z0-9]", "", word)
        return {"xuuencode": "uuencode", "xuue": "uuencode", "uue": "uuencode"}.get(word, word)

    @property
    def is_message(self) -> bool:
        return self.content_type in _MESSAGES

    @property
    def has_fields(self) -> bool:
        """Whether the part has at least one header field."""
        return headers.has_fields(self.fields.rest)

    @property
    def is_unencoded(self) -> bool:
        """Whether the octets are the content, without a transfer encoding."""
        return self.encoding in ("", "7bit", "8bit", "binary")

    def leaves(self) -> Iterator[Part]:
        """The parts without children, in order. A part without children yields itself."""
        if not self.children:
            yield self
        for child in self.children:
            yield from child.leaves()


class _Level:
    """An open multipart, its place in the list of open parts, and the open multiparts around it."""

    def __init__(self, part: Part, boundary: bytes, around: list[_Level], place: int) -> None:
        self.part, self.boundary, self.place = part, boundary, place
        self._around = [*around, self]
        self._line = _lines({level.boundary for level in self._around})

    def next(self, message: Buffer, start: int, end: int) -> tuple[int, int, int, bool] | None:
        """The start, end and level of the next boundary line, and whether it closes that level."""
        found = self._line.search(message, max(0, start), end)
        first, after = found.span() if found else (_last_line(message, max(0, start), end), end)
        line = bytes(message[first + 3 : after]).rstrip(b" \t\r")
        for boundary, closes in ((line, False), (line.removesuffix(b"--"), True)):
            for depth in range(len(self._around), 0, -1):  # The innermost of equal boundaries counts.
                if self._around[depth - 1].boundary == boundary:
                    return first, after, depth, closes
        return None


def parse(message: Buffer, start: int = 0) -> Part:
    """Parse the message from `start` on. Returns its root part, with the other parts below it."""
    end = len(message)
    part = root = _part(message, start, end, None)
    opened, levels = [root], list[_Level]()
    multiparts = lines = 0
    while True:
        if boundary := _boundary(message, part, end, levels) if multiparts < _MAX_MULTIPARTS else b"":
            multiparts += 1
            levels.append(_Level(part, boundary, levels, len(opened) - 1))
        elif (
            part.is_message and part.is_unencoded and sum(each.is_message for each in opened) <= _MAX_MESSAGES
        ):
            part.children.append(_part(message, part.start, end, levels[-1] if levels else None))
            part = part.children[0]
            opened.append(part)
            continue
        at = part.start - 1
        while levels:
            found = levels[-1].next(message, at, end)
            lines += 1
            if found is None or lines > _MAX_LINES:
                root.is_cut = found is not None
                return root
            first, at, depth, closes = found
            level = levels[depth - 1]
            before = first - (message[first - 1 : first] == b"\r")
            for closed in opened[level.place + 1 :]:
                closed.end = max(closed.start, before)
            del opened[level.place + 1 :]
            # The outermost level stays open, so that parts after its end are not lost.
            del levels[depth - (closes and depth > 1) :]
            if not closes:
                break
        else:
            return root
        part = _part(message, at + 1, end, level)
        part.within = level.part.content_type
        if part.within == "multipart/digest":
            part.default_type = "message/rfc822"
        level.part.children.append(part)
        opened.append(part)


def _boundary(message: Buffer, part: Part, end: int, around: list[_Level]) -> bytes:
    """The boundary of a multipart; empty if the part is not a multipart, or has no boundary line.

    If the header names no boundary, or one that does not occur, the first line that looks like one counts.
    """
    if not part.content_type.startswith("multipart/") or len(around) >= _MAX_DEPTH:
        return b""
    named = part.parameters.get("boundary", "").rstrip().encode("utf-8", "replace")
    near = min(end, part.start + _PREAMBLE)
    if not (named and _lines({named}).search(message, max(0, part.start - 1), near)):
        unnamed = _UNNAMED.search(message, max(0, part.start - 1), near)
        named = unnamed[1].rstrip() if unnamed else named
    return named if sum(len(level.boundary) for level in around) + len(named) <= _MAX_BOUNDARIES else b""


def _lines(boundaries: set[bytes]) -> re.Pattern[bytes]:
    """A pattern for a boundary line, which may be a closing one, of any of these boundaries.

    It does not match a last line without a line end (see `_last_line`). A line that nearly matches costs
    little, because common beginnings form a tree and the white space at the end is matched without
    backtracking.
    """
    return re.compile(rb"\n--" + _tree(sorted(boundaries)) + rb"(?=[ \t\r\n-])(?:--)?+[ \t]*+\r?+(?![^\n])")


def _last_line(message: Buffer, start: int, end: int) -> int:
    """The start (its LF) of a last line that has no line end and may be a boundary; else `end`."""
    near = max(start, end - _LONGEST_LINE)
    found = bytes(message[near:end]).rfind(b"\n--")
    return near + found if found >= 0 and b"\n" not in message[near + found + 1 : end] else end


def _tree(words: list[bytes]) -> bytes:
    """A pattern for any of the sorted words. Words with a common beginning share it in the pattern."""
    common = 0
    for one, other in zip(words[0], words[-1], strict=False):
        if one != other:
            break
        common += 1
    branches: dict[bytes, list[bytes]] = {}
    for word in words:
        branches.setdefault(word[common : common + 1], []).append(word[common:])
    ends = branches.pop(b"", None)
    pattern = re.escape(words[0][:common])
    if branches:
        pattern += b"(?:" + b"|".join(map(_tree, branches.values())) + b")" + (b"?" if ends else b"")
    return pattern


def _part(message: Buffer, start: int, end: int, level: _Level | None) -> Part:
    """The part that begins at `start` and, for now, ends at `end`. Without a blank line it is all header."""
    start = min(start, end)
    if message[start : start + 2].startswith((b"\n", b"\r\n")):  # There is no header.
        return Part(Fields(), message.find(b"\n", start) + 1, end)
    size, limit = 1024, min(end, start + headers.MAX_HEAD)
    blank = found = None
    while True:  # The pieces grow, because most headers are short and some never end.
        size = min(size * 4, limit - start)
        blank = _BLANK.search(message, start, start + size)
        if level:
            found = level.next(message, start - 1, blank.end() if blank else start + size)
        if blank or found or start + size >= limit:
            break
    if found:  # A boundary line ends the part within its header.
        body = found[0] + 1
    elif blank:
        body = blank.end()
    else:
        blank = _BLANK.search(message, limit - 1, end) if level is None else None
        body = blank.end() if blank else limit if level else end
    looked_at = _MAX_PART_HEAD if level else headers.MAX_HEAD
    head = bytes(message[start : min(body, start + looked_at)])
    if head.strip() and not headers.has_fields(head):  # It is text and not a header.
        body = start
    return Part(headers.lazy_fields(head), body, end)
