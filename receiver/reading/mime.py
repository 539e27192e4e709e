"""The parts of a message as a tree, found in one pass however deep they nest (RFC 2045, RFC 2046).

Works on a buffer such as a mapped file: nothing is copied but the headers. Never raises for what a message
holds. By hand, since the standard library's email package recurses as deep as a message nests and copies
each part; and each octet is looked at once, however many boundaries it nearly matches.
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

_MAX_DEPTH = 30  # multiparts in multiparts; deeper ones are taken as text
_MAX_MULTIPARTS = 100  # in one message: each costs the compiling of a pattern
_MAX_MESSAGES = 5  # messages in messages
_MAX_PART_HEAD = 32_768  # octets of a part's header that are looked at
_MAX_LINES = 2000  # that separate parts
_MAX_BOUNDARIES = 2000  # octets of the boundaries that are open at one time
_LONGEST_LINE = 2200  # that can be the last boundary's
_PREAMBLE = 65_536  # octets in which a boundary that was not named is looked for
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
    within: str = ""  # the content type of the part that holds it
    children: list[Part] = field(default_factory=list)
    is_cut: bool = False  # of the root: it had more parts than were looked at

    @cached_property
    def _type(self) -> tuple[str, Mapping[str, str]]:
        return self.fields.parameters("content-type")

    @cached_property
    def content_type(self) -> str:
        """As `text/plain`; what is no type at all is the one that RFC 2045 section 5.2 says."""
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
        """Those of the content type, by lower-case name."""
        return self._type[1]

    @cached_property
    def disposition(self) -> str:
        """`inline`, `attachment` or nothing; others count as attachment (RFC 2183 section 2.8)."""
        said = self.fields.parameters("content-disposition")[0]
        return said if said in ("", "inline") else "attachment"

    @cached_property
    def filename(self) -> str:
        """What the sender calls the file, without folders; empty if it has no name."""
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
        """Whether it has a header at all."""
        return headers.has_any(self.fields.rest)

    @property
    def is_as_it_is(self) -> bool:
        """Whether its octets are the content, with no transfer encoding to undo."""
        return self.encoding in ("", "7bit", "8bit", "binary")

    def leaves(self) -> Iterator[Part]:
        """The parts that hold no others, in order; itself if it is one."""
        if not self.children:
            yield self
        for child in self.children:
            yield from child.leaves()


class _Level:
    """A multipart that is open, and the search for the next line that separates its parts, or ends it."""

    def __init__(self, part: Part, boundary: bytes, around: list[_Level], place: int) -> None:
        self.part, self.boundary, self.place = part, boundary, place  # place: in the list of open parts
        self._around = [*around, self]
        self._line = _lines({level.boundary for level in self._around})

    def next(self, message: Buffer, start: int, end: int) -> tuple[int, int, int, bool] | None:
        """Where the next such line begins and ends, how many levels stay open, and whether it closes."""
        found = self._line.search(message, max(0, start), end)
        first, after = found.span() if found else (_last_line(message, max(0, start), end), end)
        line = bytes(message[first + 3 : after]).rstrip(b" \t\r")
        for boundary, closes in ((line, False), (line.removesuffix(b"--"), True)):
            for depth in range(len(self._around), 0, -1):  # used twice, a boundary is the innermost's
                if self._around[depth - 1].boundary == boundary:
                    return first, after, depth, closes
        return None


def parse(message: Buffer, start: int = 0) -> Part:
    """The message's own part, with its parts below it."""
    end = len(message)
    part = root = _part(message, start, end, None)
    opened, levels = [root], list[_Level]()
    multiparts = lines = 0
    while True:
        if boundary := _boundary(message, part, end, levels) if multiparts < _MAX_MULTIPARTS else b"":
            multiparts += 1
            levels.append(_Level(part, boundary, levels, len(opened) - 1))
        elif (
            part.is_message and part.is_as_it_is and sum(each.is_message for each in opened) <= _MAX_MESSAGES
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
            # The outermost stays open: what follows its end all the same is shown rather than lost.
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
    """What separates the parts of a multipart; empty where there is nothing that does.

    One that is not named, or named and not there, is taken from the first line that looks like it.
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
    """A line that begins with `--` and any of these, or closes it, but for one without an end of line.

    Written so that a line which nearly is one costs little: a tree of the common beginnings, and no way back
    into the white space at its end.
    """
    return re.compile(rb"\n--" + _tree(sorted(boundaries)) + rb"(?=[ \t\r\n-])(?:--)?+[ \t]*+\r?+(?![^\n])")


def _last_line(message: Buffer, start: int, end: int) -> int:
    """Where a last line without an end begins, with the line end before it, if it may be a boundary's."""
    near = max(start, end - _LONGEST_LINE)
    found = bytes(message[near:end]).rfind(b"\n--")
    return near + found if found >= 0 and b"\n" not in message[near + found + 1 : end] else end


def _tree(words: list[bytes]) -> bytes:
    """A pattern for any of the sorted words in which no beginning is written twice."""
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
    """The part that begins there, up to the end for now. Without a blank line all of it is header."""
    start = min(start, end)
    if message[start : start + 2].startswith((b"\n", b"\r\n")):  # no header at all
        return Part(Fields(), message.find(b"\n", start) + 1, end)
    size, limit = 1024, min(end, start + headers.MAX_HEAD)
    blank = found = None
    while True:  # in growing pieces, since a header may lack its end, or be cut off at once
        size = min(size * 4, limit - start)
        blank = _BLANK.search(message, start, start + size)
        if level:
            found = level.next(message, start - 1, blank.end() if blank else start + size)
        if blank or found or start + size >= limit:
            break
    if found:  # cut off within its header
        body = found[0] + 1
    elif blank:
        body = blank.end()
    else:
        blank = _BLANK.search(message, limit - 1, end) if level is None else None
        body = blank.end() if blank else limit if level else end
    looked_at = _MAX_PART_HEAD if level else headers.MAX_HEAD
    head = bytes(message[start : min(body, start + looked_at)])
    if head.strip() and not headers.has_any(head):  # what was taken for a header is text
        body = start
    return Part(headers.unread(head), body, end)
