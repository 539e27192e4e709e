"""The Workers of the account: scripts, custom domains, and what the real API refuses about them.

https://developers.cloudflare.com/api/resources/workers/
https://developers.cloudflare.com/workers/configuration/routing/custom-domains/

A custom domain has a DNS record of its own in the zone, AAAA `100::`, which the API keeps read-only. What no
public source shows is marked as guessed.
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.lab.cloudflare.refusals import Refusal, not_permitted, not_routed
from tests.lab.cloudflare.rules import hostname
from tests.lab.cloudflare.uploads import Content, Raw, download
from tests.lab.cloudflare.zones import ACCOUNT, Zone

MOST_SCRIPTS = 100  # on the Free plan
MOST_TAGS = 8
MODULE_TYPES = ("application/javascript+module", "text/javascript+module")
IN_THE_WAY = ("A", "AAAA", "CNAME")  # "externally managed DNS records (A, CNAME, etc)"
_NAME = re.compile(r"[a-z0-9_][a-z0-9_-]{0,62}")
_SCRIPTS = re.compile(r"/workers/scripts/([^/]+)")
_CONTENT = re.compile(r"/workers/scripts/([^/]+)/content/v2")
_SETTINGS = re.compile(r"/workers/scripts/([^/]+)/settings")
_DOMAINS = "/workers/domains"
_DOMAIN = re.compile(r"/workers/domains/([^/]+)")

Outcome = tuple[dict[str, Any] | Raw | None, Zone | None]
"""The answer's JSON, or what it is instead, None for no body; and the zone whose records have changed."""


@dataclass(slots=True)
class Account:
    """The scripts by name, and the custom domains by identifier.

    `scripts` has `tags` and `versions` of each: pairs of a time (as `time.time`) and a text, oldest first.
    One that `consumes` a queue cannot be deleted.
    A custom domain has what the API answers of it, and when it was `attached`.
    """

    id: str = ACCOUNT
    scripts: dict[str, dict[str, Any]] = field(default_factory=dict)
    domains: dict[str, dict[str, Any]] = field(default_factory=dict)

    def answer(
        self, method: str, path: str, query: Mapping[str, str], content: Content, zones: Iterable[Zone]
    ) -> Outcome:
        """Answer a request below `/accounts/ID`. Raises Refusal."""
        if match := _SETTINGS.fullmatch(path):
            if method == "GET":
                return _result(self._settings(match[1])), None
        elif match := _CONTENT.fullmatch(path):
            if method == "GET":
                held = self._script(match[1])
                return download(held["main_module"], held["versions"][-1][1]), None
        elif match := _SCRIPTS.fullmatch(path):
            if method == "PUT":
                return _result(self._upload(match[1], content)), None
            if method == "DELETE":
                return self._delete_script(match[1], zones)
        elif path == _DOMAINS:
            if method == "GET":
                return _result(self._listed(query)), None
            if method == "PUT":
                return self._attach(content.json(), zones)
        elif (match := _DOMAIN.fullmatch(path)) and method == "DELETE":
            return self._detach(match[1], zones)
        raise not_routed(f"/accounts/{self.id}{path}")

    def served(self, name: str, seconds_ago: float = 0.0) -> str | None:
        """The script that answered for this host name so many seconds ago. None if none did."""
        moment = time.time() - seconds_ago
        for domain in self.domains.values():
            if domain["hostname"] == name and domain["attached"] <= moment:
                versions = self.scripts.get(domain["service"], {}).get("versions", ())
                return next((text for made, text in reversed(versions) if made <= moment), None)
        return None

    def _settings(self, name: str) -> dict[str, Any]:
        return {
            "bindings": [],
            "compatibility_date": self._script(name)["compatibility_date"],
            "compatibility_flags": [],
            "logpush": False,
            "tags": list(self._script(name)["tags"]),
            "tail_consumers": None,
            "usage_model": "standard",
        }

    def _script(self, name: str) -> dict[str, Any]:
        if name not in self.scripts:
            raise Refusal(404, 10007, "This Worker does not exist on your account.")
        return self.scripts[name]

    def _upload(self, name: str, content: Content) -> dict[str, Any]:
        if not _NAME.fullmatch(name):
            raise Refusal(400, 10016, "workers.api.error.invalid_script_name")
        metadata, modules = content.upload()
        module = metadata.get("main_module")
        if module not in modules:
            raise Refusal(400, 10021, f'Uncaught Error: No such module "{module}".')
        text, kind = modules[module]
        if kind not in MODULE_TYPES or "export default" not in text:
            raise Refusal(400, 10068, "The uploaded script has no registered event handlers.")
        date, tags = metadata.get("compatibility_date"), metadata.get("tags") or []
        if not isinstance(date, str) or date > datetime.now(UTC).date().isoformat():
            raise Refusal(400, 10021, f"Can't set compatibility date in the future: {date!r}")
        if len(tags) > MOST_TAGS or any(set(",&") & set(tag) for tag in tags):
            raise Refusal(400, 10021, "A Worker has at most 8 tags, without , and &")  # guessed
        if name not in self.scripts and len(self.scripts) >= MOST_SCRIPTS:
            raise Refusal(403, 10037, "You have exceeded the limit of 100 Workers on your account.")
        held = self.scripts.setdefault(name, {"versions": []})
        held["versions"] = [*held["versions"][-9:], [time.time(), text]]
        held |= {"tags": list(tags), "compatibility_date": date, "main_module": module}
        return {
            "id": name,
            "handlers": ["fetch"],
            "has_modules": True,
            "has_assets": False,
            "compatibility_date": date,
            "tags": list(tags),
            "usage_model": "standard",
            "startup_time_ms": 1,
            "created_on": _now(),
            "modified_on": _now(),
        }

    def _delete_script(self, name: str, zones: Iterable[Zone]) -> Outcome:
        """The custom domains go with the script (guessed). Documented: no body on success."""
        if self._script(name).get("consumes"):
            raise Refusal(
                400,
                10064,
                "Cannot delete this Worker as it is a consumer for a Queue. Remove it from the Queue's "
                "consumers first, then retry.",
            )
        changed: Zone | None = None
        zones = list(zones)
        for domain in [each for each in self.domains.values() if each["service"] == name]:
            changed = self._detach(domain["id"], zones)[1] or changed
        del self.scripts[name]
        return None, changed

    def _listed(self, query: Mapping[str, str]) -> list[dict[str, Any]]:
        keys = ("hostname", "service", "zone_id", "zone_name", "environment")
        wanted = {key: query[key] for key in keys if query.get(key)}
        found = [one for one in self.domains.values() if all(one[key] == wanted[key] for key in wanted)]
        return [_shown(domain) for domain in found]

    def _attach(self, sent: Mapping[str, Any], zones: Iterable[Zone]) -> Outcome:
        name = hostname(str(sent.get("hostname") or ""), 10082, "Can't infer zone from route.")
        zone = next((each for each in zones if each.id == sent.get("zone_id")), None)
        if zone is None or zone.account != self.id:
            raise Refusal(404, 10083, "workers.api.error.zone_not_found")
        if name != zone.name and not name.endswith(f".{zone.name}"):
            raise Refusal(400, 10082, "Can't infer zone from route.")  # guessed
        service = str(sent.get("service") or "")
        self._script(service)
        domain = next((each for each in self.domains.values() if each["hostname"] == name), None)
        if domain and domain["service"] != service and not sent.get("override_existing_origin"):
            raise Refusal(
                409,
                100116,
                f"Hostname '{name}' already in use by other custom domain. Either delete it, try a different "
                "hostname, or use the option 'override_existing_origin' to override.",
            )
        if domain is None:
            _refuse_records(zone, name)
            domain = {
                "id": uuid.uuid4().hex,
                "hostname": name,
                "zone_id": zone.id,
                "zone_name": zone.name,
                "environment": "production",
                "cert_id": str(uuid.uuid4()),
                "attached": time.time(),
            }
            self.domains[domain["id"]] = domain
            record = {"type": "AAAA", "name": name, "content": "100::", "proxied": True}
            zone.manage(record, read_only=True, origin_worker_id=domain["id"])
        domain["service"] = service
        return _result(_shown(domain)), zone

    def _detach(self, identifier: str, zones: Iterable[Zone]) -> Outcome:
        domain = self.domains.pop(identifier, None)
        if domain is None:
            raise Refusal(404, 100114, "workers.api.error.domain_not_found")
        zone = next((each for each in zones if each.id == domain["zone_id"]), None)
        if zone:
            zone.records = {
                key: record
                for key, record in zone.records.items()
                if record["meta"].get("origin_worker_id") != identifier
            }
        return {"errors": [], "messages": [], "success": True}, zone


def refuse_without_right(*, may: bool, account: str, identifier: str) -> None:
    """Refuse an account that the token has no right in, which looks the same as one that does not exist."""
    if not re.fullmatch(r"[0-9a-f]{32}", identifier):
        raise not_routed(f"/accounts/{identifier}")
    if not may or identifier != account:
        raise not_permitted()


def _refuse_records(zone: Zone, name: str) -> None:
    if any(record["name"] == name and record["type"] in IN_THE_WAY for record in zone.records.values()):
        raise Refusal(
            409,
            100117,
            f"Hostname '{name}' already has externally managed DNS records (A, CNAME, etc). Delete them "
            "first or try a different hostname.",
        )


def _shown(domain: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in domain.items() if key != "attached"}


def _result(result: object) -> dict[str, Any]:
    return {"result": result, "success": True, "errors": [], "messages": []}


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
