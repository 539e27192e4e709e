"""Octets to text, by the charset label that a sender gave, or without one. Never raises.

A label means what browsers take it for. The table is that of the WHATWG Encoding Standard (package
`webencodings`): `iso-8859-1` is windows-1252, `gb2312` is GB 18030, `shift_jis` and `ks_c_5601-1987` are
Microsoft's supersets, because senders write these labels and send those octets. Mail is older than the table,
so three labels differ from it. Octets labelled `us-ascii` may be beyond ASCII. `hz-gb-2312` and `iso-2022-kr`
are decoded. `utf-7` (RFC 2152) is decoded too: browsers dropped it because it can hide scripts, and no script
runs in a terminal.
"""

from __future__ import annotations

import codecs
import re
from functools import lru_cache

_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_LABEL = re.compile(r"[a-z0-9][a-z0-9_.:+-]*")
# Python codecs that decode more of what senders send than the codec that `webencodings` names.
_WIDER = {"gbk": "gb18030", "iso-2022-jp": "iso2022_jp_ext"}
# Labels that browsers refuse and that we decode.
_MAIL_ONLY = {"hz-gb-2312": "hz", "iso-2022-kr": "iso2022_kr", "csiso2022kr": "iso2022_kr"}
# Spellings that senders use and that no table has.
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
# Python has codecs of these names too. No mail is written in them, and some take quadratic time.
_NOT_CHARSETS = {"charmap", "idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape", "mbcs"}
# Labels that programs write when they do not know the charset (RFC 1428 defines the first).
_NO_CHARSET = {"unknown-8bit", "x-unknown", "unknown", "default", "none", "8bit", "binary", "x-user-defined"}
_MOST_REPAIRS = 20_000
_ASCII = {"us-ascii", "ascii", "usascii", "ansi_x3.4-1968", "ansi-x3.4-1968", "iso-ir-6", "us", "iso646-us"}


def decode(octets: bytes, label: str = "") -> str:
    """Decode the octets. A byte order mark decides the charset, else the label, else UTF-8 if it fits.

    If the octets are not valid in the label's charset but are valid UTF-8, they are decoded as UTF-8. Octets
    that cannot be decoded in any way become U+FFFD.
    """
    for mark, name in _BOMS:
        if octets.startswith(mark):
            return _well_formed(octets[len(mark) :].decode(name, "replace"))
    codec = _codec(label)
    if codec == "utf-16":  # Without a mark, the zero octet of the first character tells the byte order.
        codec = "utf-16-be" if octets[:1] == b"\0" else "utf-16-le"
    # ASCII octets are valid UTF-8 as well. That says nothing about a charset that is written in ASCII octets.
    for each in (codec, None if codec and octets.isascii() else "utf-8"):
        if each:
            try:
                return _well_formed(octets.decode(each))
            except ValueError:
                continue
    if codec == "ascii" or not codec:
        codec = _guess(octets)
    text = octets.decode(codec, "replace")
    # One repair takes a microsecond, so megabytes of noise are not repaired.
    if not codec.startswith("utf") and text.count("\ufffd") <= _MOST_REPAIRS:
        text = octets.decode(codec, "letterbox")
    return _well_formed(text)


def _guess(octets: bytes) -> str:
    """The likelier codec of octets that have no label and are not all UTF-8: `utf-8` or `cp1252`."""
    text = octets.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    characters = len(text) - len(text.encode("ascii", "ignore")) - broken
    return "utf-8" if characters >= broken else "cp1252"


def is_known(label: str) -> bool:
    """Whether the label names a charset that we can decode."""
    return _codec(label) is not None


def is_no_charset(label: str) -> bool:
    """Whether the label is empty, or says that its writer did not know the charset."""
    return not label or label.strip().lower() in _NO_CHARSET


def is_iso_2022(label: str) -> bool:
    """Whether the charset is of ISO 2022. Its text looks like ASCII, because escape sequences switch it."""
    return (_codec(label) or "").startswith("iso2022")


@lru_cache(256)
def _codec(label: str) -> str | None:
    """The name of Python's codec for a label; None if the label is unknown or names no charset."""
    found = _LABEL.search(label.strip().lower()[:64])
    if found is None or found[0] in _NO_CHARSET:
        return None
    name = found[0]
    if name in ("utf-8", "utf8"):
        return "utf-8"
    if name in _ASCII:
        return "ascii"
    if codec := _MAIL_ONLY.get(name) or _by_table(name):
        return codec
    name = name.replace("_", "-")
    if codec := _by_table(name):
        return codec
    for spelling, meant in _SPELLINGS:
        if match := spelling.fullmatch(name):
            name = match.expand(meant)
            break
    return _by_table(name) or _by_python(name)


def _by_table(label: str) -> str | None:
    import webencodings  # late, because the receiver's log rarely meets a label

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
    """The text without lone surrogates. UTF-7 and UTF-16 can contain them, and no output can encode them."""
    if text.isascii():
        return text
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def _repair(error: UnicodeError) -> tuple[str, int]:
    """An error handler (`codecs.register_error`) for what the Encoding Standard decodes and Python does not.

    These are the C1 controls, the euro sign of GBK and the rows that NEC added to JIS X 0208.
    """
    if not isinstance(error, UnicodeDecodeError):
        raise error
    first, second = error.object[error.start], error.object[error.start + 1 : error.start + 2]
    encoding = error.encoding.replace("-", "_").lower()
    if encoding == "charmap" and 0x80 <= first < 0xA0:
        return chr(first), error.start + 1
    if encoding == "gb18030" and first == 0x80:
        return "\u20ac", error.start + 1
    if second and (encoding == "euc_jp" or (encoding.startswith("iso2022_jp") and 0x21 <= first < 0x7F)):
        character = _in_code_page_932(first & 0x7F, second[0] & 0x7F)
        if character:
            return character, error.start + 2
    # An ASCII octet after a broken character stands for itself.
    return "\ufffd", error.start + 1 if second.isascii() else error.end


def _in_code_page_932(row: int, cell: int) -> str:
    """The character at a row and cell of JIS X 0208 with the rows that NEC and IBM added; empty if none."""
    if not (0x21 <= row <= 0x7E and 0x21 <= cell <= 0x7E):
        return ""
    lead = (row - 0x21 >> 1) + (0x81 if row < 0x5F else 0xC1)
    trail = cell + (0x7E if row % 2 == 0 else 0x1F if cell < 0x60 else 0x20)
    try:
        return bytes((lead, trail)).decode("cp932")
    except UnicodeDecodeError:
        return ""


codecs.register_error("letterbox", _repair)
