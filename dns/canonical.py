"""Names and contents of records in one form, so that equal ones compare equal. Pure.

Names in punycode, lower case, without the last dot; IPv6 as in RFC 5952; TXT as the joined decoded text.
"""

import ipaddress
import re

from dns.names import a_label

_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_ESCAPE = re.compile(r"\\(\d{3}|.)", re.DOTALL)


def canonical_name(name: str) -> str:
    """The name for comparing; what is no host name (``*``, ``_dmarc``) is only put in lower case."""
    bare = name.strip().removesuffix(".").lower() or "."
    if bare.isascii():
        return bare
    try:
        return a_label(bare)
    except ValueError:
        return bare


def canonical_content(kind: str, content: str) -> str:
    """The content for comparing, by the record's type."""
    if kind in ("A", "AAAA"):
        try:
            return str(ipaddress.ip_address(content.strip()))
        except ValueError:
            return content.strip()
    if kind in ("MX", "CNAME", "NS", "PTR"):
        return canonical_name(content)
    if kind == "CAA":
        return _canonical_caa(content)
    return joined(content) if kind == "TXT" else content


def _canonical_caa(content: str) -> str:
    """``flags tag "value"`` (RFC 8659): the tag in lower case, the value always quoted."""
    flags, _, rest = content.strip().partition(" ")
    tag, _, value = rest.strip().partition(" ")
    return f'{flags} {tag.lower()} "{joined(value)}"'


def joined(content: str) -> str:
    """The text of a TXT record: its quoted strings decoded and joined, or the content if it has no quotes."""
    text = content.strip()
    if not text.startswith('"') or _STRING.sub("", text).strip():
        return content

    def unescaped(match: re.Match[str]) -> str:
        # In a zone file \DDD is an octet in decimal (RFC 1035, section 5.1).
        return chr(int(match[1])) if len(match[1]) == 3 else match[1]

    return "".join(_ESCAPE.sub(unescaped, part) for part in _STRING.findall(text))


def quoted(text: str) -> str:
    """The text as quoted strings of at most 255 octets each."""
    parts: list[str] = []
    size = 256
    for character in text:
        octets = len(character.encode())
        if size + octets > 255:
            parts.append("")
            size = 0
        parts[-1] += character
        size += octets
    return " ".join('"' + re.sub(r'(["\\])', r"\\\1", part) + '"' for part in parts or [""])
