"""Cutting the octets of a connection into command lines and message content, in whatever pieces they arrive.

Pure, without I/O and clock: octets go in through `receive`, and lines and content come out. The content of
DATA ends at CRLF.CRLF and nowhere else (RFC 5321 section 4.1.1.4), so no octet of a message is ever taken for
a command. Leading dots are removed exactly (section 4.5.2). Bare CR, bare LF and NUL are found even if a
piece ends within them. Memory is bounded by the octets that went in and were not yet taken out.
"""

from __future__ import annotations

from enum import Enum
from io import IncrementalNewlineDecoder

_END = b"\r\n.\r\n"


class Fault(Enum):
    """Why octets are not valid SMTP. The value goes into the reply."""

    TOO_LONG = "line too long"
    BARE_LF = "line ends in a bare LF, not in CRLF"
    BARE_CR = "bare CR, not followed by LF"
    NUL = "NUL octet"


class Inspection:
    """Inspects content that passes in pieces. `fault` is the first fault found."""

    __slots__ = ("_cr", "_line", "_line_limit", "fault")

    def __init__(self, line_limit: int) -> None:
        self.fault: Fault | None = None
        self._line_limit = line_limit
        self._line = 0  # octets so far of the line in which the last piece ended
        self._cr = False  # whether the last piece ended in CR

    def inspect(self, piece: bytes) -> None:
        if self.fault is not None or not piece:
            return
        if self._cr:
            piece = b"\r" + piece
        self._cr = piece.endswith(b"\r")
        if self._cr:
            piece = piece[:-1]
        line_ends = _line_ends(piece)
        if line_ends not in (None, "\r\n"):
            self.fault = Fault.BARE_LF if "\n" in line_ends else Fault.BARE_CR
        elif b"\0" in piece:
            self.fault = Fault.NUL
        elif self._has_long_line(piece):
            self.fault = Fault.TOO_LONG

    def end(self) -> None:
        if self._cr and self.fault is None:
            self.fault = Fault.BARE_CR

    def _has_long_line(self, piece: bytes) -> bool:
        """Hop from a line end to the last line end within the limit, a few steps for each piece."""
        start = -self._line
        while start + self._line_limit < len(piece):
            last = piece.rfind(b"\n", max(start, 0), start + self._line_limit)
            if last < 0:
                return True
            start = last + 1
        last = piece.rfind(b"\n", max(start, 0))
        self._line = len(piece) - (last + 1 if last >= 0 else start)
        return False


def _line_ends(piece: bytes) -> str | tuple[str, ...] | None:
    """The kinds of line ends in a piece, as `io.TextIOBase.newlines` has them."""
    # This decoder is the standard library's one-pass search for line ends, written in C.
    decoder = IncrementalNewlineDecoder(None, translate=False)
    decoder.decode(piece.decode("latin-1"))
    return decoder.newlines


class Framing:
    """The octets of one connection, in one of two modes: command lines, or the content of a message.

    `command_line` and `line` are the longest command line and content line, in octets with CRLF.
    """

    __slots__ = (
        "_at", "_first", "_held", "_input", "_left", "_overlong",
        "command_line", "content_line", "inspection",
    )  # fmt: skip

    def __init__(self, *, command_line: int = 4096, line: int = 1_048_576) -> None:
        self.command_line = command_line
        self.content_line = line
        self.inspection = Inspection(line)
        self._input = b""
        self._at = 0
        self._overlong = False  # whether the command line that arrives is too long and is being discarded
        self._held = b""  # octets that may be the start of CRLF.CRLF
        self._first = False  # whether _held begins with the CRLF of the DATA command itself
        self._left = -1  # octets of a chunk still to come; -1 if the content ends at CRLF.CRLF

    @property
    def waiting(self) -> int:
        """The number of octets that were received and not yet taken out."""
        return len(self._input) - self._at

    def receive(self, octets: bytes) -> None:
        self._input = self._input[self._at :] + octets if self._at < len(self._input) else octets
        self._at = 0

    def discard(self) -> None:
        """Forget the input. Input from before STARTTLS must not be used after it (RFC 3207 section 4.2)."""
        self._input, self._at, self._overlong = b"", 0, False

    def command(self) -> bytes | Fault | None:
        """The next command line without its CRLF, or its fault; None if more octets are needed."""
        end = self._input.find(b"\n", self._at)
        if end < 0:
            if self._overlong or self.waiting > self.command_line:
                self._input, self._at, self._overlong = b"", 0, True
            return None
        start, self._at = self._at, end + 1
        if self._overlong or end + 1 - start > self.command_line:
            self._overlong = False
            return Fault.TOO_LONG
        line = self._input[start:end]
        if not line.endswith(b"\r"):
            return Fault.BARE_LF
        line = line[:-1]
        if b"\r" in line:
            return Fault.BARE_CR
        if b"\0" in line:
            return Fault.NUL
        return line

    def begin_message(self) -> None:
        """Begin a message with a new inspection. Call `begin_data` next, or `begin_chunk` for each chunk."""
        self.inspection = Inspection(self.content_line)

    def begin_data(self) -> None:
        """Take what follows for content up to CRLF.CRLF. Its first CRLF may be that of the DATA command."""
        self._held, self._first, self._left = b"\r\n", True, -1

    def begin_chunk(self, size: int) -> None:
        """Take the next `size` octets for content as they are (BDAT, RFC 3030)."""
        self._left = size

    def content(self) -> tuple[bytes, bool] | None:
        """The next content, without stuffed dots, and whether it ends here; None if octets are missing."""
        return self._content_of_data() if self._left < 0 else self._content_of_chunk()

    def _content_of_chunk(self) -> tuple[bytes, bool] | None:
        piece = self._input[self._at : self._at + self._left]
        if not piece and self._left:
            return None
        self._at += len(piece)
        self._left -= len(piece)
        self.inspection.inspect(piece)
        return piece, self._left == 0

    def _content_of_data(self) -> tuple[bytes, bool] | None:
        if self._at == len(self._input):
            return None
        raw = self._held + self._input[self._at :] if self._held or self._at else self._input
        end = raw.find(b"\r\n.")  # Nearly always this is the true end, and there is no dot to remove.
        stuffed = end >= 0 and not raw.startswith(_END, end)
        if stuffed:
            end = raw.find(_END, end)
        if end >= 0:
            piece = raw[: end + 2]
            self._input, self._at, self._held = raw, end + len(_END), b""
        else:
            held = next((n for n in (4, 3, 2, 1) if raw.endswith(_END[:n])), 0)
            piece = raw[: len(raw) - held]
            self._input, self._at, self._held = b"", 0, raw[len(raw) - held :]
        self.inspection.inspect(piece)
        if stuffed:
            piece = piece.replace(b"\r\n.", b"\r\n")
        if self._first and piece:
            piece, self._first = piece[2:], False
        return piece, end >= 0
