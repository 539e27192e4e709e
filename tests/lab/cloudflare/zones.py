"""The zones and their records, and the changes that are allowed to them.

Every change is a transaction: it is made on a copy and put in place only when all of it passed.
Conflicts between records are refused with the codes of the real API.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from .refusals import Refusal, invalid, no_record
from .rules import hostname, normalised

Record = dict[str, Any]
BATCH_LENGTH = 200  # operations, on the Free plan
EMAIL_ROUTING = ("route1.mx.cloudflare.net", "route2.mx.cloudflare.net", "route3.mx.cloudflare.net")


@dataclass(slots=True)
class Zone:
    """A zone: its records by identifier, in the order they were made."""

    name: str
    nameservers: tuple[str, ...]
    status: str = "active"
    email_routing: bool = False
    serial: int = 0
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    records: dict[str, Record] = field(default_factory=dict)

    def described(self) -> dict[str, Any]:
        """The zone as ``GET /zones`` answers it."""
        return {
            "id": self.id,
            "name": self.name,
            "status": self.status,
            "paused": False,
            "type": "full",
            "development_mode": 0,
            "name_servers": list(self.nameservers),
            "original_name_servers": None,
            "meta": {"step": 2, "custom_certificate_quota": 0, "page_rule_quota": 3},
            "account": {"id": "0" * 32, "name": "Lab"},
            "owner": {"id": None, "type": "user", "email": None},
            "permissions": ["#dns_records:edit", "#dns_records:read", "#zone:read"],
            "plan": {"id": "0" * 32, "name": "Free Website", "legacy_id": "free"},
            "created_on": "2026-01-01T00:00:00.000000Z",
            "modified_on": "2026-01-01T00:00:00.000000Z",
            "activated_on": "2026-01-01T00:00:00.000000Z",
        }

    def route_email(self) -> None:
        """Turn Email Routing on: its MX are added, locked, and no others may be."""
        for priority, target in enumerate(EMAIL_ROUTING, start=10):
            record = self._stamped(
                normalised({"type": "MX", "name": "@", "content": target, "priority": priority}, self.name)
            )
            record["meta"] = {"email_routing": True, "read_only": True}
            self.records[record["id"]] = record
        self.email_routing = True

    def create(self, sent: Mapping[str, Any]) -> Record:
        """Add one record. Raises Refusal."""
        return self.batch({"posts": [sent]})["posts"][0]

    def batch(self, operations: Mapping[str, Any]) -> dict[str, list[Record]]:
        """Deletes, patches, puts and posts, in this order, all or none. Raises the first Refusal."""
        if sum(len(operations.get(kind) or ()) for kind in _ORDER) > BATCH_LENGTH:
            raise invalid(1004, f"DNS Validation Error: a batch holds at most {BATCH_LENGTH} operations")
        if not any(operations.get(kind) for kind in _ORDER):
            raise invalid(1004, "DNS Validation Error: the batch is empty")
        before = dict(self.records)
        try:
            return {kind: [_APPLY[kind](self, op) for op in operations.get(kind) or ()] for kind in _ORDER}
        except Refusal:
            self.records = before
            raise

    def _existing(self, sent: Mapping[str, Any]) -> Record:
        record = self.records.get(str(sent.get("id")))
        if record is None:
            raise no_record()
        return record

    def _delete(self, sent: Mapping[str, Any]) -> Record:
        record = self._existing(sent)
        _refuse_locked(record)
        del self.records[record["id"]]
        return record

    def _patch(self, sent: Mapping[str, Any]) -> Record:
        old = self._existing(sent)
        kept = {key: value for key, value in old.items() if key not in ("meta", "tags")}
        if "content" in sent:
            kept.pop("data", None)
        return self._replace(old, {**kept, **sent})

    def _put(self, sent: Mapping[str, Any]) -> Record:
        return self._replace(self._existing(sent), sent)

    def _replace(self, old: Record, sent: Mapping[str, Any]) -> Record:
        _refuse_locked(old)
        if sent.get("type") != old["type"]:
            raise invalid(1004, "DNS Validation Error: the type of a record cannot be changed")
        record = normalised(sent, self.name)
        self._refuse_conflicts(record, old["id"])
        record |= {"id": old["id"], "created_on": old["created_on"], "modified_on": _now()}
        self.records[old["id"]] = record
        return record

    def _post(self, sent: Mapping[str, Any]) -> Record:
        record = normalised(sent, self.name)
        if record["type"] == "MX" and self.email_routing:
            raise Refusal(
                400, 890190, "Email Routing is enabled on this zone: its MX records cannot be changed."
            )
        self._refuse_conflicts(record, None)
        record = self._stamped(record)
        self.records[record["id"]] = record
        return record

    def _stamped(self, record: Record) -> Record:
        return {"id": uuid.uuid4().hex, **record, "created_on": _now(), "modified_on": _now()}

    def _refuse_conflicts(self, record: Record, own: str | None) -> None:
        for other in self.records.values():
            if other["id"] == own or other["name"] != record["name"]:
                continue
            kinds = {record["type"], other["type"]}
            # A CNAME beside MX or TXT is against RFC 1034, but Cloudflare takes it (cloudflare-docs 30376).
            if "CNAME" in kinds and kinds <= {"A", "AAAA", "CNAME"}:
                if other["type"] == "CNAME":
                    raise invalid(81054, "A CNAME record with that host already exists.")
                raise invalid(81053, "An A, AAAA, or CNAME record with that host already exists.")
            if (record["type"], record["content"]) != (other["type"], other["content"]):
                continue
            if record.get("priority") != other.get("priority"):
                raise invalid(81057, "The record already exists.")
            raise invalid(81058, "An identical record already exists.")


_ORDER = ("deletes", "patches", "puts", "posts")
_APPLY = {"deletes": Zone._delete, "patches": Zone._patch, "puts": Zone._put, "posts": Zone._post}


def zone_named(name: str, nameservers: tuple[str, ...]) -> Zone:
    """A new zone without records."""
    return Zone(hostname(name, 9000, "DNS name is invalid."), nameservers)


def _refuse_locked(record: Record) -> None:
    if record["meta"].get("read_only"):
        raise Refusal(400, 890190, "This record is managed by Email Routing and cannot be changed.")


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
