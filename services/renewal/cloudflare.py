"""Three calls to Cloudflare's API: list, make and delete the TXT records of one name in one zone.

The SDK is 105 MB, and stays on the control machine. The token needs Zone > DNS > Edit on this one zone. It
cannot list zones, so the zone's identifier is told.
https://developers.cloudflare.com/api/resources/dns/subresources/records/
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import requests
from requests.auth import AuthBase

from services.renewal.errors import RenewalError

API = "https://api.cloudflare.com/client/v4"
COMMENT = "letterbox-certificate"  # not the mark of dns.sync, which deletes what it made and does not want
TTL = 60  # seconds, the least
SECONDS = 30.0  # for one answer
TRIES = 3
_IDENTICAL = (81057, 81058)
_GONE = 81044
_PAGE = "https://dash.cloudflare.com/profile/api-tokens"
_RIGHT = f"make one with Zone > DNS > Edit on this zone at {_PAGE}, and deploy with it"
_FIXES = {
    9109: f"the token is not valid, has expired, or is for another zone: {_RIGHT}",
    10000: f"the token may not change this zone: {_RIGHT}",
    1000: f"the token is not valid: {_RIGHT}",
    6003: f"the token does not have the form of a token: {_RIGHT}",
    6111: f"the token does not have the form of a token: {_RIGHT}",
    9106: "the token did not arrive: does a proxy remove the Authorization header?",
    7003: "there is no zone of this identifier: deploy again, which looks it up",
    10502: "too many requests were refused: the token is likely wrong; wait an hour",
    1038: "Cloudflare's API changes no records of domains like this one: use another domain",
    81045: "the zone holds as many records as its plan allows: delete some",
}
_ELSEWHERE = f"the token's filter of client addresses leaves this host out: add its address at {_PAGE}"


class _Bearer(AuthBase):
    """The token, as an `auth` of requests: a header alone would give way to a .netrc file."""

    def __init__(self, token: str) -> None:
        self.token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self.token}"
        return request


@dataclass(frozen=True, slots=True)
class Zone:
    """The zone in which the challenges are published. `base` is the API's URL without a last slash."""

    base: str
    name: str
    id: str
    token: str = field(repr=False)
    pause: float = 1.0  # seconds before a failed call is tried again

    def texts(self, name: str) -> dict[str, tuple[str, bool]]:
        """The TXT records of the name: by identifier, the value, and whether we made it."""
        found = self._call("GET", "", params={"type": "TXT", "name": name, "per_page": "5000"})
        if not isinstance(found, list):
            raise RenewalError("Cloudflare answered no list of records: try again later")
        return {
            str(each["id"]): (str(each.get("content", "")).strip('"'), each.get("comment") == COMMENT)
            for each in found
            if isinstance(each, Mapping) and "id" in each and each.get("name") == name
        }

    def make(self, name: str, value: str) -> str:
        """Publish a TXT record, and return its identifier. One that is there already will do."""
        record = {"type": "TXT", "name": name, "content": f'"{value}"', "ttl": TTL, "comment": COMMENT}
        made = self._call("POST", "", json=record, accept=_IDENTICAL)
        if isinstance(made, Mapping) and made.get("id"):
            return str(made["id"])
        for identifier, (text, _) in self.texts(name).items():
            if text == value:
                return identifier
        raise RenewalError(f"Cloudflare did not confirm the record {name}: try again later", again=True)

    def delete(self, identifier: str) -> None:
        """Delete the record. It may be gone already."""
        self._call("DELETE", f"/{identifier}", accept=(_GONE,))

    def _call(self, method: str, path: str, *, accept: tuple[int, ...] = (), **more: Any) -> object:
        """The result of a call, or None for a refusal with an accepted code. Raises RenewalError.

        All three calls may be repeated: a record that was made by a call without an answer is found as an
        identical one, and one that was deleted is gone.
        """
        url = f"{self.base}/zones/{self.id}/dns_records{path}"
        for left in reversed(range(TRIES)):
            try:
                answer = requests.request(
                    method, url, auth=_Bearer(self.token), timeout=SECONDS, allow_redirects=False, **more
                )
            except requests.RequestException as error:
                if not left:
                    raise RenewalError(
                        f"Cloudflare's API ({self.base}) cannot be reached ({reason(error)}): the next run "
                        "tries again; check the host's network, if that goes on"
                    ) from None
            else:
                if answer.status_code < 500 or not left:
                    return self._result(answer, accept)
            time.sleep(self.pause)
        raise AssertionError("unreachable")

    def _result(self, answer: requests.Response, accept: tuple[int, ...]) -> object:
        try:
            body = answer.json()
        except ValueError:
            body = None
        if isinstance(body, Mapping) and body.get("success") is True and answer.ok:
            return body.get("result")
        codes = _codes(body)
        if any(code in accept for code, _ in codes):
            return None
        raise RenewalError(_refusal(answer.status_code, codes, self.name))


def _codes(body: object) -> list[tuple[int, str]]:
    """The codes and messages of an error answer; of a chain of errors, the innermost first."""
    errors = body.get("errors") if isinstance(body, Mapping) else None
    found: list[tuple[int, str]] = []
    for error in errors if isinstance(errors, list) else ():
        chain = error.get("error_chain") if isinstance(error, Mapping) else None
        for link in (*(chain if isinstance(chain, list) else ()), error):
            if isinstance(link, Mapping) and re.fullmatch(r"\d{1,9}", str(link.get("code"))):
                message = "".join(c if c.isprintable() else " " for c in str(link.get("message", "")))
                found.append((int(link["code"]), message[:200].rstrip(".")))
    return found


def _refusal(status: int, codes: list[tuple[int, str]], zone: str) -> str:
    if status == 429:
        return "Cloudflare refuses more requests for now (429): the next run tries again"
    if not codes or status >= 500:
        return f"Cloudflare gave no usable answer (HTTP {status}): the next run tries again"
    code, message = next((each for each in codes if each[0] in _FIXES), codes[0])
    fix = _ELSEWHERE if "from location" in message.lower() else _FIXES.get(code, "see the message")
    return f"Cloudflare refused the token or the record for {zone} ({code} {message}): {fix}"


def reason(error: Exception) -> str:
    """The innermost cause of a failed request in a few words, without URLs and memory addresses."""
    seen: BaseException = error
    while True:
        inner = seen.__cause__ or getattr(seen, "reason", None) or seen.__context__
        inner = inner or next((each for each in seen.args if isinstance(each, BaseException)), None)
        if not isinstance(inner, BaseException) or inner is seen:
            break
        seen = inner
    said = getattr(seen, "verify_message", None) or getattr(seen, "strerror", None) or str(seen)
    return " ".join(str(said).split())[:200] or type(seen).__name__
