"""The text of a part: transfer encoding and charset undone, flowed lines joined, invisible fillers left out.

Pure, linear in the size of the part, and lenient as mail readers are. RFC 2045 section 6, RFC 3676.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator

from receiver import charsets, encoded_words
from receiver.reading.mime import Buffer, Part

# Quoted-printable: white space that was added behind a line, and what is no escape though it looks like one.
_ADDED_SPACE = re.compile(rb"(?<![ \t])[ \t]++(?=\r?\n)")
_NO_ESCAPE = re.compile(rb"=(?![0-9A-Fa-f]{2}|\r?\n|\r?\Z)")
_META_CHARSET = re.compile(
    rb"<meta[^>]{0,200}?charset\s{0,9}=\s{0,9}[\"']?\s{0,9}([\w:.+-]{1,64})", re.IGNORECASE
)
_UUENCODED = re.compile(
    r"^begin(-base64)? [0-7]{3,4} (\S[^\n]{0,198})\n(?=[!-`][ -z]{3,100}\n|`\nend)", re.MULTILINE
)
# Characters that show nothing: senders of advertisements fill the preview of a mail with series of them.
_NOTHING = "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180e\u200b\u2060-\u2064\ufeff"
_FILLERS = re.compile(f"[{_NOTHING}]+")
_JOINERS = re.compile("[\u200c\u200d](?:[\u200c\u200d]+|(?!\\S)|(?<!\\S[\u200c\u200d]))")
_SERIES = re.compile(
    f"(?<![ \u00a0\u2007])[ \u00a0\u2007]*+(?:[{_NOTHING}\u200c\u200d][ \u00a0\u2007]*+){{3,}}"
)
_SPACES = re.compile("[\u00a0\u2007](?: *[\u00a0\u2007]){3,} ?")
_BLANK_LINES = re.compile("\n(?:[ \t\u00a0]*\n){3,}")
_HAS_FILLERS = re.compile(f"[{_NOTHING}\u200c\u200d]|\u00a0 ?\u00a0|\u2007")


def octets(message: Buffer, part: Part, limit: int) -> bytes:
    """The content of a part, of which at most `limit` octets are looked at as they are encoded."""
    encoded = bytes(message[part.start : min(part.end, part.start + limit)])
    if part.encoding == "base64":
        return encoded_words.base64(encoded)
    if part.encoding == "quotedprintable":
        return quoted_printable(encoded)
    if part.encoding == "uuencode":
        return b"".join(_uudecoded(encoded.splitlines()))
    return encoded


def quoted_printable(encoded: bytes) -> bytes:
    """Decoded; an equals sign that begins no escape stands for itself."""
    return binascii.a2b_qp(_NO_ESCAPE.sub(b"=3D", _ADDED_SPACE.sub(b"", encoded)))


def _uudecoded(lines: list[bytes]) -> Iterator[bytes]:
    for line in lines:
        if line == b"end":
            return
        if not line.startswith(b"begin "):
            try:
                yield binascii.a2b_uu(line)
            except binascii.Error:
                continue


def charset(part: Part, content: bytes) -> str:
    """The label of a text, from its header, or from an HTML document's own `<meta>`; empty without."""
    label = part.parameters.get("charset", "")
    if part.content_type == "text/html" and not charsets.is_known(label):
        found = _META_CHARSET.search(content, 0, 4096)
        # A page that can be read so far is in no encoding of two octets, whatever it says.
        if found and not found[1].lower().startswith((b"utf-16", b"utf-32")):
            return found[1].decode("ascii")
    return label


def text(part: Part, content: bytes) -> str:
    """What a reader sees of a text that is no HTML, with LF line ends."""
    shown = charsets.decode(content, charset(part, content)).replace("\r\n", "\n")
    if part.parameters.get("format", "").strip().lower() == "flowed":
        shown = unflowed(shown, delete_space=part.parameters.get("delsp", "").strip().lower() == "yes")
    return without_fillers(shown)


def unflowed(shown: str, *, delete_space: bool) -> str:
    """Lines that end in a space joined with the next one of the same quoting (RFC 3676 section 4)."""
    out: list[str] = []
    open_depth = -1  # quoting of the line that goes on
    for line in shown.split("\n"):
        bare = line.lstrip(">")
        depth = len(line) - len(bare)
        bare = bare.removeprefix(" ")  # it may be there so that a line of text is no quote (section 4.4)
        goes_on = bare.endswith(" ") and bare != "-- "
        if goes_on and delete_space:
            bare = bare[:-1]
        if open_depth == depth and bare != "-- ":
            out.append(bare)
        else:
            out.append(("\n" if out else "") + (">" * depth + " " if depth else "") + bare)
        open_depth = depth if goes_on else -1
    return "".join(out)


def without_fillers(shown: str) -> str:
    """Without characters that show nothing; joiners stay where they join (Persian, Indic scripts, emoji)."""
    if not _HAS_FILLERS.search(shown):
        return shown
    shown = _JOINERS.sub("", _FILLERS.sub("", _SERIES.sub(" ", shown)))
    return _BLANK_LINES.sub("\n\n", _SPACES.sub(" ", shown))


def uuencoded(shown: str) -> list[tuple[str, int]]:
    """The files in a text that are encoded the way of uuencode(1): name, and size as encoded."""
    files = []
    for found in _UUENCODED.finditer(shown):
        end = shown.find("\n====" if found[1] else "\nend", found.end() - 1)
        files.append((found[2].strip(), (end if end >= 0 else len(shown)) - found.end()))
        if len(files) == 100:
            break
    return files
