"""Octets to text, by the charset label that a sender gave, or by none. Never raises for either.

A label means what browsers take it for: the table of the WHATWG Encoding Standard (package `webencodings`),
in which `iso-8859-1` is windows-1252, `gb2312` is GB 18030, `shift_jis` and `ks_c_5601-1987` are Microsoft's
supersets. Senders write these labels and send those octets. Three things differ from the table, because mail
is older than it: `us-ascii` is no promise, `hz-gb-2312` and `iso-2022-kr` are decoded, and so is `utf-7`
(RFC 2152 was made for mail, and text on a terminal runs no script, which is why browsers dropped it).
"""

from __future__ import annotations

import codecs
import re
from functools import lru_cache

_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_LABEL = re.compile(r"[a-z0-9][a-z0-9_.:+-]*")
# Codecs of Python that decode more of what is sent than the one that `webencodings` names.
_WIDER = {"gbk": "gb18030", "iso-2022-jp": "iso2022_jp_ext"}
# Decoded in mail, though browsers refuse them.
_MAIL_ONLY = {"hz-gb-2312": "hz", "iso-2022-kr": "iso2022_kr", "csiso2022kr": "iso2022_kr"}
# Spellings that are in use and in no table.
_SPELLINGS = (
    (re.compile(r".*utf-?8.*"), "utf-8"),
    (re.compile(r"(?:x-)?(?:cp|ms|ibm)-?932|windows-932|(?:ms|shift|s)-?jis"), "shift_jis"),
    (re.compile(r"(?:x-)?(?:cp|ms)-?936|windows-936|euc-cn|cn-gb|gb-?\d+.*"), "gb18030"),
    (re.compile(r"(?:x-)?(?:cp|ms)-?949|uhc"), "euc-kr"),
    (re.compile(r"(?:x-)?(?:cp|ms)-?950|windows-950|big-?5.*"), "big5"),
    (re.compile(r"cp-?5022[0-2]|iso-2022-jp.*"), "iso-2022-jp"),
    (re.compile(r"ks-?c-?5601.*|euc-?kr.*"), "euc-kr"),
    (re.compile(r"win(?:dows)?-?(\d{3,4}).*"), r"windows-\1"),
    (re.compile(r"cp-?51932|euc-?jp.*"), "euc-jp"),
    (re.compile(r"iso-?8859-?(\d+).*"), r"iso-8859-\1"),
    (re.compile(r"latin-?(\d+)"), r"latin\1"),
    (re.compile(r"(?:unicode-1-1-)?utf-7(?:-imap)?"), "utf-7"),
    (re.compile(r"(?:x-)?(?:cp|ibm)-?(\d+)"), r"cp\1"),
)
# Python calls these encodings too; no mail is written in them, and some take quadratic time.
_NOT_CHARSETS = {"charmap", "idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape", "mbcs"}
# What programs write that do not know the charset themselves (RFC 1428 has the first).
_NO_CHARSET = {"unknown-8bit", "x-unknown", "unknown", "default", "none", "8bit", "binary", "x-user-defined"}
_MOST_REPAIRS = 20_000
_ASCII = {"us-ascii", "ascii", "usascii", "ansi_x3.4-1968", "ansi-x3.4-1968", "iso-ir-6", "us", "iso646-us"}


def decode(octets: bytes, label: str = "") -> str:
    """The text. A byte order mark decides, then the label, then whether the octets are UTF-8.

    Where the label's decoding fails and UTF-8's does not, the text is UTF-8. What can be decoded in no way
    becomes U+FFFD.
    """
    for mark, name in _BOMS:
        if octets.startswith(mark):
            return _well_formed(octets[len(mark) :].decode(name, "replace"))
    codec = _codec(label)
    if codec == "utf-16":  # without a mark: whichever half of the first unit is nothing
        codec = "utf-16-be" if octets[:1] == b"\0" else "utf-16-le"
    # Octets that are ASCII are UTF-8 too, which proves nothing against a charset that is written in them.
    for each in (codec, None if codec and octets.isascii() else "utf-8"):
        if each:
            try:
                return _well_formed(octets.decode(each))
            except ValueError:
                continue
    if codec == "ascii" or not codec:
        codec = _likelier(octets)
    text = octets.decode(codec, "replace")
    # A repair takes a microsecond, so that noise of megabytes is left as it is.
    if not codec.startswith("utf") and text.count("\ufffd") <= _MOST_REPAIRS:
        text = octets.decode(codec, "letterbox")
    return _well_formed(text)


def _likelier(octets: bytes) -> str:
    """Of octets that nobody says the charset of, and that are not all UTF-8: whether most of them are."""
    text = octets.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    characters = len(text) - len(text.encode("ascii", "ignore")) - broken
    return "utf-8" if characters >= broken else "cp1252"


def is_known(label: str) -> bool:
    """Whether the label says how to decode; false for a name that is no charset's."""
    return _codec(label) is not None


def is_no_charset(label: str) -> bool:
    """Whether the label says that its writer did not know the charset."""
    return not label or label.strip().lower() in _NO_CHARSET


def is_iso_2022(label: str) -> bool:
    """Whether the charset switches by escape sequences, and so looks like ASCII."""
    return (_codec(label) or "").startswith("iso2022")


@lru_cache(256)
def _codec(label: str) -> str | None:
    """The name of Python's codec for a label; None where it is unknown or says nothing."""
    found = _LABEL.search(label.strip().lower()[:64])
    if found is None or found[0] in _NO_CHARSET:
        return None
    plain = found[0]
    if plain in ("utf-8", "utf8"):
        return "utf-8"
    if plain in _ASCII:
        return "ascii"
    if codec := _MAIL_ONLY.get(plain) or _by_table(plain):
        return codec
    plain = plain.replace("_", "-")
    if codec := _by_table(plain):
        return codec
    for spelling, meant in _SPELLINGS:
        if match := spelling.fullmatch(plain):
            plain = match.expand(meant)
            break
    return _by_table(plain) or _by_python(plain)


def _by_table(label: str) -> str | None:
    import webencodings  # not before a label is met: the log of a receiver rarely meets one

    encoding = webencodings.lookup(label)
    if encoding is None or encoding.name in ("replacement", "x-user-defined"):
        return None
    if label in ("utf-16", "unicode", "ucs-2", "iso-10646-ucs-2"):
        return "utf-16"
    return _WIDER.get(encoding.name, str(encoding.codec_info.name))


def _by_python(label: str) -> str | None:
    try:
        codec = codecs.lookup(label)
    except (LookupError, ValueError):
        return None
    is_text = getattr(codec, "_is_text_encoding", True)
    return codec.name if is_text and codec.name.replace("_", "-") not in _NOT_CHARSETS else None


def _well_formed(text: str) -> str:
    """Without lone surrogates, which UTF-7 and UTF-16 can smuggle in and no output takes."""
    if text.isascii():
        return text
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def _repair(error: UnicodeError) -> tuple[str, int]:
    """What the Encoding Standard has where Python's codec has nothing: C1, the euro of GBK, NEC's rows."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    first, second = error.object[error.start], error.object[error.start + 1 : error.start + 2]
    encoding = error.encoding.replace("-", "_").lower()
    if encoding == "charmap" and 0x80 <= first < 0xA0:
        return chr(first), error.start + 1
    if encoding == "gb18030" and first == 0x80:
        return "\u20ac", error.start + 1
    if second and (encoding == "euc_jp" or (encoding.startswith("iso2022_jp") and 0x21 <= first < 0x7F)):
        character = _microsofts(first & 0x7F, second[0] & 0x7F)
        if character:
            return character, error.start + 2
    # An octet of ASCII behind a broken character stands for itself.
    return "\ufffd", error.start + 1 if second.isascii() else error.end


def _microsofts(row: int, cell: int) -> str:
    """A character at a place of JIS X 0208, with the rows that NEC and IBM added (code page 932)."""
    if not (0x21 <= row <= 0x7E and 0x21 <= cell <= 0x7E):
        return ""
    lead = (row - 0x21 >> 1) + (0x81 if row < 0x5F else 0xC1)
    trail = cell + (0x7E if row % 2 == 0 else 0x1F if cell < 0x60 else 0x20)
    try:
        return bytes((lead, trail)).decode("cp932")
    except UnicodeDecodeError:
        return ""


codecs.register_error("letterbox", _repair)
