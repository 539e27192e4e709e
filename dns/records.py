"""DNS records as values, in one form, so that equal records compare equal. Pure.

Names are in punycode and lower case, without the last dot. IPv6 addresses are as in RFC 5952. A TXT content
is the decoded text of all its strings. A TTL is in whole seconds, and 1 is Cloudflare's automatic one.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from dns import tlsa
from dns.names import a_label, ip_version

ADDRESS_TYPES = ("A", "AAAA")
SHARED_TYPES = ("TXT", "CAA", "TLSA")  # types for which other people's records may stand beside ours
MARK = "letterbox"
UNTIL = "until"  # the second word of our comment if nothing asks for the record any more (`dns.until`)
_KEY_LENGTH = 32
MARK_LENGTH = 100  # Cloudflare's limit for a comment on the Free plan

_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_ESCAPE = re.compile(r"\\(\d{3}|.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Record:
    """One record: one value at a name. Only MX has a `priority`. `ttl` is in seconds, 1 is automatic.

    `extras` holds the tags, the settings and, for types that have it, the `data`. They are kept so that
    the same record can be put back.
    """

    type: str
    name: str
    content: str
    priority: int | None = None
    ttl: int = 1
    proxied: bool = False
    comment: str | None = None
    extras: Mapping[str, object] = field(default_factory=dict, hash=False)

    @property
    def value(self) -> tuple[str, str, str, int | None]:
        """What the world sees of the record: type, name, content, priority."""
        return (self.type, self.name, self.content, self.priority)

    @property
    def rdata(self) -> str:
        """The record data as an answer holds it: for MX the priority and the target."""
        return f"{self.priority} {self.content}" if self.type == "MX" else self.content

    @property
    def zone_line(self) -> str:
        """The record as a line of a zone file, without the TTL."""
        return f"{self.name} {self.type} {quoted(self.content) if self.type == 'TXT' else self.rdata}"


@dataclass(frozen=True, slots=True)
class ZoneRecord:
    """A record in a zone: its identifier there, and whether Cloudflare keeps it read-only.

    `owner` is the Cloudflare product that owns a read-only record, if Cloudflare says which. `modified` is
    when the record was last changed, as Cloudflare writes it (RFC 3339). Two records may differ in it alone.
    """

    id: str
    record: Record
    locked: bool = False
    owner: str = ""
    modified: str = field(default="", compare=False)


def address_type(address: str) -> str:
    """The record type for an IP address: A or AAAA."""
    return "AAAA" if ip_version(address) == 6 else "A"


def same(one: Record | None, other: Record) -> bool:
    """Whether two records agree in all but tags and settings: value, TTL, proxy and comment."""
    return one is not None and (one.value, one.ttl, one.proxied, one.comment) == (
        other.value,
        other.ttl,
        other.proxied,
        other.comment,
    )


def difference(before: Record, after: Record) -> str:
    """The record, and what of it changed: `www.example.com A 192.0.2.1 (ttl 300 -> 600)`."""
    changed = [
        f"{name} {old} -> {new}"
        for name, old, new in (
            ("content", before.content, after.content),
            ("priority", before.priority, after.priority),
            ("ttl", before.ttl, after.ttl),
            ("proxied", before.proxied, after.proxied),
            ("comment", before.comment, after.comment),
        )
        if old != new
    ]
    return f"{before.zone_line} ({', '.join(changed)})" if changed else before.zone_line


def mark_of(domain: str) -> str:
    """The comment that marks a record as ours for this domain: at most 100 characters."""
    mark = f"{MARK} {domain}"
    return mark if len(mark) <= MARK_LENGTH else f"{MARK} {key_of(domain)}"


def key_of(domain: str) -> str:
    """What stands for the domain in a comment that has no room for its name."""
    import hashlib  # late: only a name too long for a comment needs it

    return hashlib.sha256(domain.encode()).hexdigest()[:_KEY_LENGTH]


def is_marked(record: Record, mark: str) -> bool:
    """Whether the comment begins with the mark. Anything that somebody wrote behind it is ignored.

    A time in the comment, until when the record stays, makes no difference.
    """
    words = (record.comment or "").split()
    if words[:1] != [MARK]:
        return False
    named = words[3:4] if words[1:2] == [UNTIL] else words[1:2]
    domain = mark.split()[1]
    return named == [domain] or (len("".join(named)) == _KEY_LENGTH and named == [key_of(domain)])


def is_ours(record: Record) -> bool:
    """Whether the comment is ours, for any domain."""
    return (record.comment or "").split()[:1] == [MARK]


def canonical_name(name: str) -> str:
    """Return the name in canonical form. Names such as `*` and `_dmarc` are only put in lower case."""
    bare = name.strip().removesuffix(".").lower() or "."
    if bare.isascii():
        return bare
    try:
        return a_label(bare)
    except ValueError:
        return bare


def canonical_content(kind: str, content: str) -> str:
    """Return the content of a record of this type in canonical form."""
    if kind in ADDRESS_TYPES:
        try:
            return str(ipaddress.ip_address(content.strip()))
        except ValueError:
            return content.strip()
    if kind in ("MX", "CNAME", "NS", "PTR"):
        return canonical_name(content)
    if kind == "CAA":
        return _canonical_caa(content)
    if kind == "TLSA":
        return tlsa.canonical(content)
    return joined(content) if kind == "TXT" else content


def _canonical_caa(content: str) -> str:
    """Return `flags tag "value"` (RFC 8659) with the tag in lower case and the value quoted."""
    flags, _, rest = content.strip().partition(" ")
    tag, _, value = rest.strip().partition(" ")
    return f'{flags} {tag.lower()} "{joined(value)}"'


def joined(content: str) -> str:
    """Decode and join the quoted strings of a TXT record. Content without quotes is returned as it is."""
    text = content.strip()
    if not text.startswith('"') or _STRING.sub("", text).strip():
        return content

    def unescape(match: re.Match[str]) -> str:
        # In a zone file \DDD is an octet in decimal (RFC 1035, section 5.1).
        return chr(int(match[1])) if len(match[1]) == 3 else match[1]

    return "".join(_ESCAPE.sub(unescape, part) for part in _STRING.findall(text))


def quoted(text: str) -> str:
    """Return the text as quoted strings of at most 255 octets each."""
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
