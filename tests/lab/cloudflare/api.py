"""The endpoints under `/client/v4`: who may ask, the request and its answer. Without sockets."""

from __future__ import annotations

import json
import re
import time
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.lab.cloudflare import refusals
from tests.lab.cloudflare.dnssec import FixedKey, Signer
from tests.lab.cloudflare.refusals import Refusal, invalid
from tests.lab.cloudflare.workers import Account, Content, Outcome, refuse_without_right
from tests.lab.cloudflare.zones import Zone

_ZONE = re.compile(r"/zones/([^/]+)")
_RECORDS = re.compile(r"/zones/([^/]+)/dns_records")
_BATCH = re.compile(r"/zones/([^/]+)/dns_records/batch")
_DNSSEC = re.compile(r"/zones/([^/]+)/dnssec")
_SSL = re.compile(r"/zones/([^/]+)/ssl/universal/settings")
_ACCOUNT = re.compile(r"/accounts/([^/]+)(/.+)")
_RECORD = re.compile(r"/zones/([^/]+)/dns_records/([^/]+)")
_TOKEN = re.compile(r"Bearer [A-Za-z0-9_-]{10,}")


@dataclass(frozen=True, slots=True)
class Token:
    """What a token may do: on which zones (None: on all), change records, list all zones.

    A token that may not list is for single zones. `here` is False if its filter of client addresses does not
    let this client in. `workers` is Account > Workers Scripts > Edit, and `ssl` is Zone > SSL and
    Certificates > Edit.
    """

    zones: frozenset[str] | None = None
    edit: bool = True
    listing: bool = False
    here: bool = True
    workers: bool = False
    ssl: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """One request, for the log too. `path` is below the API's base, without the query."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]  # names in lower case
    body: bytes = b""
    client: str = "127.0.0.1"


@dataclass(slots=True)
class Api:
    """The API over its zones. Two threads must not call `answer` at once: the server holds a lock.

    The settings are for what the real API has been seen to do in two ways. `page_cap` is the longest page
    that is given, whatever was asked for. `hides_unknown` answers an empty list, in place of a refusal, for a
    name that is no zone of the token. `priority_in_data` answers MX without a `priority` of its own.
    `retry_after` goes with a 429 in place of the seconds.
    """

    zones: dict[str, Zone]
    tokens: dict[str, Token]
    limit: int = 1200
    window: float = 300.0
    page_cap: int | None = None
    hides_unknown: bool = False
    priority_in_data: bool = False
    retry_after: str | None = None
    signer: Signer = field(default_factory=FixedKey)
    account: Account = field(default_factory=Account)
    _seen: deque[float] = field(default_factory=deque)

    def answer(self, request: Request) -> Outcome:
        """The answer's JSON, and the zone that was changed, if one was. Raises Refusal."""
        token = self._authenticated(request)
        self._limited()
        body, zone = self._answer(request, token)
        return (_with_priority_in_data(body) if self.priority_in_data else body), zone

    def _answer(self, request: Request, token: Token) -> Outcome:
        if request.path == "/zones" and request.method == "GET":
            return self._list_zones(request.query, token), None
        if request.path == "/user/tokens/verify" and request.method == "GET":
            return _result({"id": "0" * 32, "status": "active"}), None
        if match := _ZONE.fullmatch(request.path):
            if request.method == "GET":
                return _result(self._zone(match[1], token).described()), None
        elif match := _DNSSEC.fullmatch(request.path):
            if request.method == "GET":
                return _result(self._zone(match[1], token).dnssec(self.signer)), None
            if request.method == "PATCH":
                zone = self._zone(match[1], token, edit=True)
                return _result(zone.switch_dnssec(_body(request), self.signer)), zone
        elif match := _BATCH.fullmatch(request.path):
            if request.method == "POST":
                zone = self._zone(match[1], token, edit=True)
                return _result(zone.batch(_body(request))), zone
        elif match := _RECORDS.fullmatch(request.path):
            if request.method == "GET":
                return self._list_records(self._zone(match[1], token), request.query), None
            if request.method == "POST":
                zone = self._zone(match[1], token, edit=True)
                return _result(zone.create(_body(request))), zone
        elif match := _RECORD.fullmatch(request.path):
            return self._record(request, match[1], match[2], token)
        elif match := _SSL.fullmatch(request.path):
            zone = self._zone(match[1], token)
            if not token.ssl:
                raise refusals.not_permitted()
            if request.method == "GET":
                return _result(zone.ssl()), None
            if request.method == "PATCH":
                return _result(zone.switch_ssl(_body(request))), zone
        elif match := _ACCOUNT.fullmatch(request.path):
            refuse_without_right(may=token.workers, account=self.account.id, identifier=match[1])
            content = Content(request.headers.get("content-type", ""), request.body)
            return self.account.answer(request.method, match[2], request.query, content, self.zones.values())
        raise refusals.not_routed(request.path)

    def _authenticated(self, request: Request) -> Token:
        headers = request.headers
        # As with the real API, an e-mail address in the headers wins over the bearer token.
        if "x-auth-email" in headers or "x-auth-key" in headers:
            raise refusals.malformed_key() if headers.get("x-auth-key") else refusals.no_credentials()
        authorization = headers.get("authorization")
        if authorization is None:
            raise refusals.no_credentials()
        if not _TOKEN.fullmatch(authorization):
            raise refusals.malformed_token()
        token = self.tokens.get(authorization.removeprefix("Bearer "))
        if token is None:
            raise refusals.unknown_token()
        if not token.here:
            raise refusals.elsewhere(request.client)
        return token

    def _limited(self) -> None:
        now = time.monotonic()
        while self._seen and now - self._seen[0] > self.window:
            self._seen.popleft()
        if len(self._seen) >= self.limit:
            left = int(self.window - (now - self._seen[0])) + 1 if self._seen else 1
            raise refusals.too_many_requests(left if self.retry_after is None else self.retry_after)
        self._seen.append(now)

    def _zone(self, identifier: str, token: Token, *, edit: bool = False) -> Zone:
        zone = next((zone for zone in self.zones.values() if zone.id == identifier), None)
        if zone is None:
            if re.fullmatch(r"[0-9a-f]{32}", identifier):
                raise refusals.not_permitted()
            raise refusals.not_routed(f"/zones/{identifier}")
        if not _covers(token, zone) or (edit and not token.edit):
            raise refusals.not_permitted()
        return zone

    def _list_zones(self, query: Mapping[str, str], token: Token) -> dict[str, Any]:
        found = [zone for zone in self.zones.values() if _covers(token, zone)]
        name = query.get("name")
        if name:
            wanted = name.removeprefix("equal:").lower()
            found = [zone for zone in found if zone.name == wanted]
        if not token.listing and not (name and (found or self.hides_unknown)):
            raise refusals.no_listing()
        described = [zone.described() for zone in found]
        return self._page(described, query, default=20, least=5, most=100)

    def _list_records(self, zone: Zone, query: Mapping[str, str]) -> dict[str, Any]:
        records: Iterable[Mapping[str, Any]] = zone.records.values()
        for key in ("name", "type", "content", "comment"):
            wanted = query.get(key) or query.get(f"{key}.exact")
            if wanted:
                records = [record for record in records if record[key] == wanted]
        return self._page(list(records), query, default=100, least=1, most=5_000_000)

    def _page(
        self, items: list[Any], query: Mapping[str, str], *, default: int, least: int, most: int
    ) -> dict[str, Any]:
        try:
            size, page = int(query.get("per_page", default)), int(query.get("page", 1))
        except ValueError:
            raise invalid(1004, "page and per_page must be numbers") from None
        if not least <= size <= most or page < 1:
            raise invalid(1004, f"per_page must be between {least} and {most}, page at least 1")
        size = min(size, self.page_cap or size)
        shown = items[(page - 1) * size : page * size]
        info = {
            "page": page,
            "per_page": size,
            "count": len(shown),
            "total_count": len(items),
            "total_pages": -(-len(items) // size),
        }
        return {**_result(shown), "result_info": info}

    def _record(
        self, request: Request, zone_id: str, record_id: str, token: Token
    ) -> tuple[dict[str, Any], Zone | None]:
        zone = self._zone(zone_id, token, edit=request.method != "GET")
        if request.method == "GET":
            if record_id not in zone.records:
                raise refusals.no_record()
            return _result(zone.records[record_id]), None
        if request.method == "DELETE":
            return _result({"id": zone.batch({"deletes": [{"id": record_id}]})["deletes"][0]["id"]}), zone
        kind = {"PATCH": "patches", "PUT": "puts"}.get(request.method)
        if kind is None:
            raise refusals.not_routed(request.path)
        return _result(zone.batch({kind: [{**_body(request), "id": record_id}]})[kind][0]), zone


def _covers(token: Token, zone: Zone) -> bool:
    return token.zones is None or zone.name in token.zones


def _result(result: object) -> dict[str, Any]:
    return {"result": result, "success": True, "errors": [], "messages": []}


def _body(request: Request) -> dict[str, Any]:
    try:
        body = json.loads(request.body)
    except ValueError:
        raise Refusal(400, 9207, "Request body is invalid.") from None
    if not isinstance(body, dict):
        raise Refusal(400, 9207, "Request body is invalid.")
    return body


def _with_priority_in_data(body: Any) -> Any:
    """The answer with the priority of every MX in its data alone, as Cloudflare has announced it."""
    if isinstance(body, list):
        return [_with_priority_in_data(item) for item in body]
    if not isinstance(body, dict):
        return body
    if body.get("type") == "MX" and "priority" in body:
        data = {"priority": float(body["priority"]), "target": body["content"]}
        return {**{key: value for key, value in body.items() if key != "priority"}, "data": data}
    return {key: _with_priority_in_data(value) for key, value in body.items()}
