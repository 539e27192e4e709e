"""The zones and their records, and the changes that they allow.

Every change is a transaction: it is made on a copy, which takes its place only if all of it passes.
Conflicts between records are refused with the codes of the real API.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.lab.cloudflare import dnssec
from tests.lab.cloudflare.dnssec import Signer
from tests.lab.cloudflare.refusals import Refusal, free_domain, invalid, no_record, over_quota, read_only
from tests.lab.cloudflare.rules import TXT_OCTETS, hostname, normalised, text_value

Record = dict[str, Any]
BATCH_LENGTH = {"free": 200}  # operations
PAID_BATCH_LENGTH = 3500
QUOTA = {"free": 200, "pro": 3500, "business": 3500, "enterprise": 1_000_000}  # records in a zone
ACCOUNT = "0" * 32
GIVEN_AWAY = ("cf", "ga", "gq", "ml", "tk")
EMAIL_ROUTING = ("route1.mx.cloudflare.net", "route2.mx.cloudflare.net", "route3.mx.cloudflare.net")


@dataclass(slots=True)
class Zone:
    """A zone: its records by identifier, in the order they were made.

    `type` is `full`, `partial`, `secondary` or `internal`: only a full zone is published.
    """

    name: str
    nameservers: tuple[str, ...]
    status: str = "active"
    type: str = "full"
    plan: str = "free"
    email_routing: bool = False
    serial: int = 0
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    records: dict[str, Record] = field(default_factory=dict)
    signed: bool = False
    """Whether DNSSEC is switched on."""
    key: str = ""
    """The DNSKEY that signs its keys, as rdata. Empty if DNSSEC was never switched on."""
    signed_on: str | None = None
    """When DNSSEC was last switched on or off."""
    account: str = ACCOUNT
    universal_ssl: bool = False
    """Whether Cloudflare issues a certificate for the zone. Then it serves CAA records of its own, too."""

    def described(self) -> dict[str, Any]:
        """The zone as `GET /zones` answers it."""
        return {
            "id": self.id,
            "name": self.name,
            "status": self.status,
            "paused": False,
            "type": self.type,
            "development_mode": 0,
            "name_servers": list(self.nameservers),
            "original_name_servers": None,
            "meta": {"step": 2, "custom_certificate_quota": 0, "page_rule_quota": 3},
            "account": {"id": self.account, "name": "Lab"},
            "owner": {"id": None, "type": "user", "email": None},
            "permissions": ["#dns_records:edit", "#dns_records:read", "#zone:read"],
            "plan": {"id": "0" * 32, "name": f"{self.plan.title()} Website", "legacy_id": self.plan},
            "created_on": "2026-01-01T00:00:00.000000Z",
            "modified_on": "2026-01-01T00:00:00.000000Z",
            "activated_on": "2026-01-01T00:00:00.000000Z",
        }

    def dnssec(self, signer: Signer) -> dict[str, Any]:
        """The zone's DNSSEC as `GET /zones/…/dnssec` answers it."""
        parent = signer.at_parent(self.name) if self.key else frozenset[str]()
        return dnssec.described(self.name, self.key, parent, self.signed_on, on=self.signed)

    def switch_dnssec(self, sent: Mapping[str, Any], signer: Signer) -> dict[str, Any]:
        """Switch DNSSEC on or off, as `PATCH /zones/…/dnssec` asks. Raises Refusal."""
        on = dnssec.switched_to(sent)
        if on != self.signed:
            self.signed, self.signed_on = on, _now()
            self.key = signer.sign(self.name) if on else self.key
        return self.dnssec(signer)

    def ssl(self) -> dict[str, Any]:
        """What `GET /zones/…/ssl/universal/settings` answers."""
        return {"enabled": self.universal_ssl, "certificate_authority": "google"}

    def switch_ssl(self, sent: Mapping[str, Any]) -> dict[str, Any]:
        """Switch Universal SSL on or off, as `PATCH /zones/…/ssl/universal/settings` asks. Raises Refusal."""
        if not isinstance(sent.get("enabled"), bool):
            raise invalid(1001, "Invalid request: enabled must be true or false")
        self.universal_ssl = sent["enabled"]
        return self.ssl()

    def route_email(self) -> None:
        """Turn Email Routing on: its MX, SPF and DKIM are added, and no other MX is accepted."""
        spf = '"v=spf1 include:_spf.mx.cloudflare.net ~all"'
        for priority, target in enumerate(EMAIL_ROUTING, start=10):
            self.manage(
                {"type": "MX", "name": "@", "content": target, "priority": priority}, email_routing=True
            )
        self.manage({"type": "TXT", "name": "@", "content": spf}, email_routing=True)
        key = {"type": "TXT", "name": "cf2024-1._domainkey", "content": '"v=DKIM1; h=sha256; k=rsa; p=MIIB"'}
        self.manage(key, email_routing=True, read_only=True)
        self.email_routing = True

    def manage(self, sent: Mapping[str, Any], **meta: object) -> Record:
        """A record that another of Cloudflare's products made, with what the API answers as its `meta`."""
        record = self._stamped(normalised(sent, self.name, self.plan))
        record["meta"] = dict(meta)
        self.records[record["id"]] = record
        return record

    def create(self, sent: Mapping[str, Any]) -> Record:
        """Add one record. Raises Refusal."""
        return self.batch({"posts": [sent]})["posts"][0]

    def batch(self, operations: Mapping[str, Any]) -> dict[str, list[Record]]:
        """Deletes, patches, puts and posts, in this order, all or none. Raises the first Refusal."""
        if self.name.rpartition(".")[2] in GIVEN_AWAY:
            raise free_domain()
        most = BATCH_LENGTH.get(self.plan, PAID_BATCH_LENGTH)
        if sum(len(operations.get(kind) or ()) for kind in _ORDER) > most:
            raise invalid(1004, f"DNS Validation Error: a batch holds at most {most} operations")
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
        kept = {key: value for key, value in old.items() if key != "meta"}
        if "content" in sent:
            kept.pop("data", None)
        return self._replace(old, {**kept, **sent})

    def _put(self, sent: Mapping[str, Any]) -> Record:
        return self._replace(self._existing(sent), sent)

    def _replace(self, old: Record, sent: Mapping[str, Any]) -> Record:
        _refuse_locked(old)
        if sent.get("type") != old["type"]:
            raise invalid(1004, "DNS Validation Error: the type of a record cannot be changed")
        record = normalised(sent, self.name, self.plan)
        self._refuse_conflicts(record, old["id"])
        record |= {"id": old["id"], "created_on": old["created_on"], "modified_on": _now()}
        self.records[old["id"]] = record
        return record

    def _post(self, sent: Mapping[str, Any]) -> Record:
        record = normalised(sent, self.name, self.plan)
        if record["type"] == "MX" and self.email_routing:
            raise Refusal(
                400, 890190, "Email Routing is enabled on this zone: its MX records cannot be changed."
            )
        self._refuse_conflicts(record, None)
        if len(self.records) >= QUOTA[self.plan]:
            raise over_quota()
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
            if (record["type"], _value(record)) != (other["type"], _value(other)):
                continue
            if record.get("priority") != other.get("priority"):
                raise invalid(81057, "The record already exists.")
            raise invalid(81058, "An identical record already exists.")
        texts = [
            each for each in self.records.values() if each["name"] == record["name"] and each["id"] != own
        ]
        octets = sum(len(_value(each).encode()) for each in (*texts, record) if each["type"] == "TXT")
        if octets > TXT_OCTETS:
            raise invalid(1004, f"DNS Validation Error: a name holds at most {TXT_OCTETS} octets of TXT")


_ORDER = ("deletes", "patches", "puts", "posts")
_APPLY = {"deletes": Zone._delete, "patches": Zone._patch, "puts": Zone._put, "posts": Zone._post}


def zone_named(name: str, nameservers: tuple[str, ...]) -> Zone:
    """A new zone without records."""
    return Zone(hostname(name, 9000, "DNS name is invalid."), nameservers)


def _value(record: Record) -> str:
    content = str(record["content"])
    return text_value(content) if record["type"] == "TXT" else content


def _refuse_locked(record: Record) -> None:
    if record["meta"].get("read_only"):
        raise read_only()
    if record["meta"].get("email_routing") and record["type"] == "MX":
        raise Refusal(400, 890190, "This record is managed by Email Routing and cannot be changed.")


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
