"""DNS records as values, in one canonical form, so that equal records compare equal.

Canonical: names in punycode, lower case, without the last dot; IPv6 as in RFC 5952; TXT as the
joined decoded text; ``ttl`` and ``priority`` whole (the API answers floats); TTL 1 for automatic.
"""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass

from dns.names import a_label

MARK = "letterbox"
SHARED = ("TXT", "CAA")  # types at whose names others' values may stand beside ours
MARK_LENGTH = 100  # Cloudflare's limit for a comment on the Free plan
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_ESCAPE = re.compile(r"\\(\d{3}|.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Record:
    """One record: one value at a name. ``priority`` is for MX alone; ``ttl`` in seconds, 1 automatic."""

    type: str
    name: str
    content: str
    priority: int | None = None
    ttl: int = 1
    proxied: bool = False
    comment: str | None = None

    @property
    def value(self) -> tuple[str, str, str, int | None]:
        """What the world sees of it: type, name, content, priority."""
        return (self.type, self.name, self.content, self.priority)

    @property
    def shown(self) -> str:
        """The record as a line of a zone file has it, without the TTL."""
        rdata = f"{self.priority} {self.content}" if self.type == "MX" else self.content
        return f"{self.name} {self.type} {quoted(rdata) if self.type == 'TXT' else rdata}"


@dataclass(frozen=True, slots=True)
class ZoneRecord:
    """A record that is in the zone: its identifier there, and whether Cloudflare locks it."""

    id: str
    record: Record
    locked: bool = False


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


def from_api(answered: Mapping[str, object]) -> ZoneRecord:
    """The record as Cloudflare answers it. Raises ValueError where it lacks what every record has."""
    try:
        kind, content = str(answered["type"]), answered.get("content")
        priority = answered.get("priority")
        ttl = answered.get("ttl", 1)
        meta = answered.get("meta")
        locks = meta if isinstance(meta, Mapping) else {}
        return ZoneRecord(
            id=str(answered["id"]),
            record=Record(
                type=kind,
                name=canonical_name(str(answered["name"])),
                content=canonical_content(kind, str(content or "")),
                priority=int(priority) if kind == "MX" and isinstance(priority, int | float) else None,
                ttl=int(ttl) if isinstance(ttl, int | float) else 1,
                proxied=answered.get("proxied") is True,
                comment=str(answered["comment"]) if answered.get("comment") else None,
            ),
            locked=bool(locks.get("read_only") or locks.get("email_routing")),
        )
    except KeyError as missing:
        raise ValueError(f"a record without {missing}") from None


def to_api(record: Record) -> dict[str, object]:
    """The record as Cloudflare takes it."""
    body: dict[str, object] = {
        "type": record.type,
        "name": record.name,
        "content": quoted(record.content) if record.type == "TXT" else record.content,
        "ttl": record.ttl,
        "comment": record.comment or "",
    }
    if record.type in ("A", "AAAA"):
        body["proxied"] = record.proxied
    if record.priority is not None:
        body["priority"] = record.priority
    if record.type == "CAA":
        # Cloudflare takes these three apart, and makes the content itself.
        flags, tag, value = record.content.split(" ", 2)
        body["data"] = {"flags": int(flags), "tag": tag, "value": joined(value)}
    return body


def mark_of(domain: str) -> str:
    """The comment that makes a record ours, for this domain: 100 characters at most."""
    mark = f"{MARK} {domain}"
    if len(mark) <= MARK_LENGTH:
        return mark
    import hashlib  # late: for names too long to be written out

    return f"{MARK} {hashlib.sha256(domain.encode()).hexdigest()[:32]}"


def is_marked(record: Record, mark: str) -> bool:
    """Whether the comment begins with the mark; what somebody wrote behind it does not matter."""
    return record.comment is not None and record.comment.split()[:2] == mark.split()
