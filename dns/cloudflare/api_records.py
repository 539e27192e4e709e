"""Records in the form in which Cloudflare's API takes and answers them. Pure.

https://developers.cloudflare.com/api/resources/dns/subresources/records/
"""

from __future__ import annotations

from collections.abc import Mapping

from dns import tlsa
from dns.plan import products
from dns.records import ADDRESS_TYPES, Record, ZoneRecord, canonical_content, canonical_name, joined, quoted

PROXIABLE = (*ADDRESS_TYPES, "CNAME")
# Other types have `data` instead.
_WITH_CONTENT = ("A", "AAAA", "CNAME", "MX", "NS", "PTR", "TXT", "CAA", "TLSA")


def from_api(answered: Mapping[str, object]) -> ZoneRecord:
    """Read a record that the API answered. Raises ValueError if it lacks what every record has."""
    kind, name = _text(answered, "type"), _text(answered, "name")
    data, meta = _mapping(answered.get("data")), _mapping(answered.get("meta"))
    content = canonical_content(kind, _content(kind, name, answered.get("content"), data))
    comment = answered.get("comment")
    extras = {
        key: value
        for key, value in (
            ("tags", answered.get("tags")),
            ("settings", answered.get("settings")),
            ("data", data if kind not in _WITH_CONTENT else None),
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
        modified=str(answered.get("modified_on") or ""),
    )


def to_api(record: Record) -> dict[str, object]:
    """Return the record as Cloudflare takes it."""
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
        # Cloudflare takes the three parts of a CAA as data, and makes the content from them.
        tag, _, value = rest.partition(" ")
        body["data"] = {"flags": int(flags), "tag": tag, "value": joined(value)}
    if record.type == "TLSA":
        body["data"] = tlsa.to_data(record.content)
    if "data" in body:
        del body["content"]
    return body


def changed_fields(before: Record, after: Record) -> dict[str, object]:
    """Return the fields to send for one record to become the other: only those that differ.

    A field that is not sent stays as it is, even if somebody has edited it since we read the record:
    https://developers.cloudflare.com/dns/manage-dns-records/how-to/batch-record-changes/
    """
    old = to_api(before)
    return {key: value for key, value in to_api(after).items() if old.get(key) != value}


def _text(answered: Mapping[str, object], key: str) -> str:
    value = answered.get(key)
    if not isinstance(value, str) or not value:
        raise ValueError(f"a record without {key!r}")
    return value


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _content(kind: str, name: str, content: object, data: Mapping[str, object]) -> str:
    if isinstance(content, str) and (content or kind not in _WITH_CONTENT):
        return content
    if kind == "MX" and isinstance(data.get("target"), str):
        return str(data["target"])
    if kind == "CAA" and {"flags", "tag", "value"} <= data.keys():
        return f"{_whole(data['flags'], f'{name} CAA without flags')} {data['tag']} {data['value']}"
    if kind == "TLSA" and {"usage", "selector", "matching_type", "certificate"} <= data.keys():
        numbers = [
            _whole(data[key], f"{name} TLSA without {key}") for key in ("usage", "selector", "matching_type")
        ]
        return " ".join([*map(str, numbers), str(data["certificate"])])
    if kind in _WITH_CONTENT:
        raise ValueError(f"{name} {kind} without content")
    return ""


def _priority(name: str, priority: object, data: Mapping[str, object]) -> int | None:
    """The priority of an MX. It has a field of its own, and Cloudflare is moving it into `data`."""
    value = data.get("priority") if priority is None else priority
    if value is None:
        return None  # differs from every priority that is wanted
    whole = _whole(value, f"{name} MX with the priority {value!r}")
    if not 0 <= whole <= 65535:
        raise ValueError(f"{name} MX with the priority {whole}")
    return whole


def _whole(value: object, problem: str) -> int:
    """The number as an int (the API answers floats). Raises ValueError with the problem otherwise."""
    if isinstance(value, int | float) and not isinstance(value, bool) and value == value // 1:
        return int(value)
    raise ValueError(problem)
