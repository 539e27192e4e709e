"""Messages of an mbox (RFC 4155), as a stream: in pieces of bounded size, whatever the lines are.

There are four forms, and a file does not say which it is. They differ in where a message ends, and in what
was done to a line of a message that begins with `From `:

form      a message ends before          `From ` in a message      `>From ` in a message
mboxrd    a line `From ` with a time     written as `>From `       written as `>>From `
mboxo     the same                       written as `>From `       left as it is
mboxcl    Content-Length octets          written as `>From `       left as it is
mboxcl2   Content-Length octets          left as it is             left as it is

Reading takes back what the form says that writing did. Content-Length is believed only for mboxcl and
mboxcl2. In the other forms a stranger may have written it, and could hide the messages behind his own.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from typing import BinaryIO

from receiver.importing.found import Found, SourceError, date_of_line

FORMS = ("mboxrd", "mboxo", "mboxcl", "mboxcl2")
_BLOCK = 65_536  # octets of a line that are read at once
# Some versions of Thunderbird write a line of `From ` alone.
_SEPARATOR = re.compile(rb"From (?:[^\n]*\d\d:\d\d[^\n]*\d{4}[^\n]*|-?\r?)\n")
_LENGTH = re.compile(rb"content-length[ \t]*:[ \t]*(\d{1,15})[ \t]*\r?\n", re.IGNORECASE)
_EMPTY = (b"\n", b"\r\n")
_COMPRESSED = {
    b"\x1f\x8b": "gunzip -c", b"BZh": "bunzip2 -c", b"\xfd7zXZ": "xz -dc", b"(\xb5/\xfd": "zstd -dc",
    b"PK\x03\x04": "unzip -p",
}  # fmt: skip


class Mbox:
    """The messages of an mbox. `name` is the file's name, for people."""

    def __init__(self, file: BinaryIO, form: str, name: str) -> None:
        self.read = 0  # octets
        self.ignored_lengths = 0  # messages that end before their Content-Length, which the form ignores
        self._file, self._form, self._name = file, form, name
        self._separator = b""  # the line `From ` that ended the last message
        self._place = ""  # of the message that is read

    def __iter__(self) -> Iterator[Found]:
        line = self._line()
        while line in _EMPTY:
            line = self._line()
        if line and not _SEPARATOR.fullmatch(line):
            raise SourceError(f"{self._name}: {_what_it_is(line)}")
        number = 0
        while line:
            number += 1
            self._place = f"{self._name}: message {number} (octet {self.read - len(line)})"
            self._separator = b""
            pieces = _in_blocks(self._content())
            yield Found(self._place, pieces, seconds=date_of_line(line))
            for _ in pieces:  # whatever the reader has left
                pass
            line = self._separator

    def _line(self) -> bytes:
        """A line with its end, or a part of a long one. Empty at the end of the file."""
        piece = self._file.readline(_BLOCK)
        self.read += len(piece)
        return piece

    def _content(self) -> Iterator[bytes]:
        length = yield from self._until_separator(in_head=True)
        if length is None:
            return
        if self._form.startswith("mboxcl"):
            yield from self._of_length(length)
            return
        began = self.read
        yield from self._until_separator()
        self.ignored_lengths += self.read - len(self._separator) - began < length

    def _of_length(self, length: int) -> Iterator[bytes]:
        """A body of so many octets of the file."""
        at_start, left = True, length
        while left:
            piece = self._file.readline(min(_BLOCK, left))
            if not piece:
                raise SourceError(f"{self._place}: is cut off by {left} octets: not imported")
            self.read += len(piece)
            left -= len(piece)
            yield self._unquoted(piece) if at_start else piece
            at_start = piece.endswith(b"\n")
        line = self._line()
        if line in _EMPTY:
            line = self._line()
        if line and not _SEPARATOR.fullmatch(line):
            raise SourceError(
                f"{self._place}: its Content-Length ({length}) is wrong: neither it nor what follows is"
                " imported: try --mbox mboxrd"
            )
        self._separator = line

    def _until_separator(self, *, in_head: bool = False) -> Generator[bytes, None, int | None]:
        """The lines up to the next separator. An empty line before a separator belongs to it.

        With `in_head` it ends behind the header section if that has a Content-Length, and returns the length.
        """
        length: int | None = None
        held = b""  # an empty line that may belong to a separator
        at_start = may_end = True
        while piece := self._line():
            if not at_start:
                yield piece
            elif may_end and _SEPARATOR.fullmatch(piece):
                self._separator = piece
                return None
            else:
                if held:
                    yield held
                held, may_end = b"", piece in _EMPTY
                if may_end and in_head and length is not None:
                    yield piece
                    return length
                if in_head and length is None and (found := _LENGTH.fullmatch(piece)):
                    length = int(found[1])
                in_head = in_head and not may_end
                if may_end:
                    held = piece
                else:
                    yield self._unquoted(piece)
            at_start = piece.endswith(b"\n")
        if not held:
            raise SourceError(
                f"{self._place}: is cut off: the file ends without an empty line behind it: not imported."
                " If the message is whole, add an empty line to the file"
            )
        return None

    def _unquoted(self, line: bytes) -> bytes:
        """The line as it was before the form's quoting."""
        if line.startswith(b">From "):
            return line if self._form == "mboxcl2" else line[1:]
        if self._form == "mboxrd" and line.startswith(b">") and line.lstrip(b">").startswith(b"From "):
            return line[1:]
        return line


def _in_blocks(lines: Iterator[bytes]) -> Iterator[bytes]:
    """The same octets in larger pieces, because each piece costs time."""
    held: list[bytes] = []
    size = 0
    for line in lines:
        held.append(line)
        size += len(line)
        if size >= _BLOCK:
            yield b"".join(held)
            held.clear()
            size = 0
    if held:
        yield b"".join(held)


def _what_it_is(line: bytes) -> str:
    for magic, command in _COMPRESSED.items():
        if line.startswith(magic):
            return f"is compressed: `{command} FILE | letterbox import MAILBOX -`"
    return "is no mbox: it does not begin with a line `From ` that has a time"
