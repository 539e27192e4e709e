"""DNS records as values, and in the form that Cloudflare's API takes and answers.

Equal records compare equal: names and contents are in one form (``canonical``), ``ttl`` and ``priority``
are whole (the API answers floats), and a TTL of 1 is the automatic one.
https://developers.cloudflare.com/api/resources/dns/subresources/records/
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from dns.canonical import canonical_content, canonical_name, joined, quoted
from dns.plan import products

__all__ = [
    "Record",
    "ZoneRecord",
    "canonical_content",
    "canonical_name",
    "changed_fields",
    "difference",
    "from_api",
    "is_marked",
    "joined",
    "mark_of",
    "quoted",
    "same",
    "to_api",
]

MARK = "letterbox"
SHARED = ("TXT", "CAA")  # types at whose names others' values may stand beside ours
MARK_LENGTH = 100  # Cloudflare's limit for a comment on the Free plan
PROXIABLE = ("A", "AAAA", "CNAME")
_BY_CONTENT = ("A", "AAAA", "CNAME", "MX", "NS", "PTR", "TXT", "CAA")  # others are made of their ``data``


@dataclass(frozen=True, slots=True)
class Record:
    """One record: one value at a name. ``priority`` is for MX alone; ``ttl`` in seconds, 1 automatic.

    ``extras`` are the tags, the settings and, for types that are made of it, the ``data``: what it takes
    to put the same record back.
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
        """What the world sees of it: type, name, content, priority."""
        return (self.type, self.name, self.content, self.priority)

    @property
    def shown(self) -> str:
        """The record as a line of a zone file has it, without the TTL."""
        rdata = f"{self.priority} {self.content}" if self.type == "MX" else self.content
        return f"{self.name} {self.type} {quoted(rdata) if self.type == 'TXT' else rdata}"


@dataclass(frozen=True, slots=True)
class ZoneRecord:
    """A record that is in the zone: its identifier there, and whether Cloudflare keeps it read-only.

    ``owner`` is the product whose record it then is, as far as that is said.
    """

    id: str
    record: Record
    locked: bool = False
    owner: str = ""


def from_api(answered: Mapping[str, object]) -> ZoneRecord:
    """The record as Cloudflare answers it. Raises ValueError where it lacks what every such record has."""
    kind, name = _text(answered, "type"), _text(answered, "name")
    data, meta = _mapping(answered.get("data")), _mapping(answered.get("meta"))
    content = canonical_content(kind, _content(kind, name, answered.get("content"), data))
    comment = answered.get("comment")
    extras = {
        key: value
        for key, value in (
            ("tags", answered.get("tags")),
            ("settings", answered.get("settings")),
            ("data", data if kind not in _BY_CONTENT else None),
        )
        if value
    }
    owner = products.owner(kind, content, meta)
    return ZoneRecord(
        id=_text(answered, "id"),
        record=Record(
            type=kind,
            name=canonical_name(name),
            content=content,
            priority=_priority(name, answered.get("priority"), data) if kind == "MX" else None,
            ttl=_whole(answered.get("ttl", 1), f"{name} {kind} without a TTL"),
            proxied=answered.get("proxied") is True,
            comment=comment if isinstance(comment, str) and comment else None,
            extras=extras,
        ),
        locked=bool(owner),
        owner=owner,
    )


def _text(answered: Mapping[str, object], key: str) -> str:
    value = answered.get(key)
    if not isinstance(value, str) or not value:
        raise ValueError(f"a record without {key!r}")
    return value


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _content(kind: str, name: str, content: object, data: Mapping[str, object]) -> str:
    if isinstance(content, str) and (content or kind not in _BY_CONTENT):
        return content
    if kind == "MX" and isinstance(data.get("target"), str):
        return str(data["target"])
    if kind == "CAA" and {"flags", "tag", "value"} <= data.keys():
        return f"{_whole(data['flags'], f'{name} CAA without flags')} {data['tag']} {data['value']}"
    if kind in _BY_CONTENT:
        raise ValueError(f"{name} {kind} without content")
    return ""


def _priority(name: str, priority: object, data: Mapping[str, object]) -> int | None:
    """The priority of an MX: a field of its own, or in its ``data``, where it is moving to."""
    value = data.get("priority") if priority is None else priority
    if value is None:
        return None  # equal to no priority that is wanted
    whole = _whole(value, f"{name} MX with the priority {value!r}")
    if not 0 <= whole <= 65535:
        raise ValueError(f"{name} MX with the priority {whole}")
    return whole


def _whole(value: object, problem: str) -> int:
    if isinstance(value, int | float) and not isinstance(value, bool) and value == value // 1:
        return int(value)
    raise ValueError(problem)


def to_api(record: Record) -> dict[str, object]:
    """The record as Cloudflare takes it."""
    body: dict[str, object] = {
        "type": record.type,
        "name": record.name,
        "content": quoted(record.content) if record.type == "TXT" else record.content,
        "ttl": record.ttl,
        "comment": record.comment or "",
    }
    if record.type in PROXIABLE:
        body["proxied"] = record.proxied
    if record.priority is not None:
        body["priority"] = record.priority
    body |= record.extras
    flags, _, rest = record.content.partition(" ")
    if record.type == "CAA" and flags.isdigit():
        # Cloudflare takes these three apart, and makes the content itself.
        tag, _, value = rest.partition(" ")
        body["data"] = {"flags": int(flags), "tag": tag, "value": joined(value)}
    if "data" in body:
        del body["content"]
    return body


def changed_fields(before: Record, after: Record) -> dict[str, object]:
    """What of the record is to be said to Cloudflare for it to become the other: what differs alone.

    A field that is not named stays as it is, also where somebody has edited it meanwhile:
    https://developers.cloudflare.com/dns/manage-dns-records/how-to/batch-record-changes/
    """
    was = to_api(before)
    return {key: value for key, value in to_api(after).items() if was.get(key) != value}


def same(one: Record | None, other: Record) -> bool:
    """Whether the world, and whoever reads the comment, see the same: all but tags and settings."""
    return one is not None and (one.value, one.ttl, one.proxied, one.comment) == (
        other.value,
        other.ttl,
        other.proxied,
        other.comment,
    )


def difference(before: Record, after: Record) -> str:
    """The record, and what of it changed: ``www.example.com A 192.0.2.1 (ttl 300 -> 600)``."""
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
    return f"{before.shown} ({', '.join(changed)})" if changed else before.shown


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
