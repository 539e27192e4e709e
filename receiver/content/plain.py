"""Decoding the text of a part: transfer encoding, charset, flowed lines, invisible fillers. Pure.

Takes time linear in the size of the part, and is as lenient as mail readers are. See RFC 2045 section 6 and
RFC 3676.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator

from receiver import charsets, encoded_words
from receiver.content.mime import Buffer, Part

# Quoted-printable: white space that was added at the end of a line, and `=` that begins no escape.
_ADDED_SPACE = re.compile(rb"(?<![ \t])[ \t]++(?=\r?\n)")
_NO_ESCAPE = re.compile(rb"=(?![0-9A-Fa-f]{2}|\r?\n|\r?\Z)")
_META_CHARSET = re.compile(
    rb"<meta[^>]{0,200}?charset\s{0,9}=\s{0,9}[\"']?\s{0,9}([\w:.+-]{1,64})", re.IGNORECASE
)
_UUENCODED = re.compile(
    r"^begin(-base64)? [0-7]{3,4} (\S[^\n]{0,198})\n(?=[!-`][ -z]{3,100}\n|`\nend)", re.MULTILINE
)
# Invisible characters. Advertisements fill the preview of a mail with series of them.
_INVISIBLE = "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180e\u200b\u2060-\u2064\ufeff"
_FILLERS = re.compile(f"[{_INVISIBLE}]+")
_JOINERS = re.compile("[\u200c\u200d](?:[\u200c\u200d]+|(?!\\S)|(?<!\\S[\u200c\u200d]))")
_SERIES = re.compile(
    f"(?<![ \u00a0\u2007])[ \u00a0\u2007]*+(?:[{_INVISIBLE}\u200c\u200d][ \u00a0\u2007]*+){{3,}}"
)
_SPACES = re.compile("[\u00a0\u2007](?: *[\u00a0\u2007]){3,} ?")
_BLANK_LINES = re.compile("\n(?:[ \t\u00a0]*\n){3,}")
_HAS_FILLERS = re.compile(f"[{_INVISIBLE}\u200c\u200d]|\u00a0 ?\u00a0|\u2007")


def octets(message: Buffer, part: Part, limit: int) -> bytes:
    """The decoded content of a part. Reads at most `limit` octets of its encoded form."""
    encoded = bytes(message[part.start : min(part.end, part.start + limit)])
    if part.encoding == "base64":
        return encoded_words.decode_base64(encoded)
    if part.encoding == "quotedprintable":
        return quoted_printable(encoded)
    if part.encoding == "uuencode":
        return b"".join(_uudecoded(encoded.splitlines()))
    return encoded


def quoted_printable(encoded: bytes) -> bytes:
    """Decode quoted-printable. An equals sign that begins no escape stands for itself."""
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
    """The charset label of a text, from its header or the `<meta>` of an HTML document; empty if none."""
    label = part.parameters.get("charset", "")
    if part.content_type == "text/html" and not charsets.is_known(label):
        found = _META_CHARSET.search(content, 0, 4096)
        # We could read the page as ASCII up to here, so it is not UTF-16 or UTF-32.
        if found and not found[1].lower().startswith((b"utf-16", b"utf-32")):
            return found[1].decode("ascii")
    return label


def text(part: Part, content: bytes) -> str:
    """The text of a part that is not HTML, with LF line ends."""
    decoded = charsets.decode(content, charset(part, content)).replace("\r\n", "\n")
    if part.parameters.get("format", "").strip().lower() == "flowed":
        decoded = unflowed(decoded, delete_space=part.parameters.get("delsp", "").strip().lower() == "yes")
    return without_fillers(decoded)


def unflowed(text: str, *, delete_space: bool) -> str:
    """Join each line that ends in a space with the next of the same quoting depth (RFC 3676 section 4)."""
    out: list[str] = []
    open_depth = -1  # the quoting depth of a line that the next one continues
    for line in text.split("\n"):
        bare = line.lstrip(">")
        depth = len(line) - len(bare)
        bare = bare.removeprefix(" ")  # This is space-stuffing (section 4.4).
        goes_on = bare.endswith(" ") and bare != "-- "
        if goes_on and delete_space:
            bare = bare[:-1]
        if open_depth == depth and bare != "-- ":
            out.append(bare)
        else:
            out.append(("\n" if out else "") + (">" * depth + " " if depth else "") + bare)
        open_depth = depth if goes_on else -1
    return "".join(out)


def without_fillers(text: str) -> str:
    """Remove invisible characters. Joiners stay between characters (Persian, Indic scripts, emoji)."""
    if not _HAS_FILLERS.search(text):
        return text
    text = _JOINERS.sub("", _FILLERS.sub("", _SERIES.sub(" ", text)))
    return _BLANK_LINES.sub("\n\n", _SPACES.sub(" ", text))


def uuencoded(text: str) -> list[tuple[str, int]]:
    """The names and encoded sizes of the files that uuencode(1) put into a text."""
    files = []
    for found in _UUENCODED.finditer(text):
        end = text.find("\n====" if found[1] else "\nend", found.end() - 1)
        files.append((found[2].strip(), (end if end >= 0 else len(text)) - found.end()))
        if len(files) == 100:
            break
    return files
