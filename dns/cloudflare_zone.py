"""A zone at Cloudflare: found, read and changed through the official SDK.

Two requests to know, one to change. Reads are repeated when the connection fails; a write is sent
once, and when its outcome is unknown the caller is told so (OutcomeUnknown), to read again and
compare. A 429 is waited out as told: nothing was done by the request that it refused.
"""

import os
import re
import time
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from dns.cloudflare_errors import TOKEN_PAGE, explained
from dns.errors import NoToken, Refused, SyncError, Unreachable, ZoneNotFound
from dns.plan import Plan
from dns.records import ZoneRecord, canonical_name, from_api, to_api

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cloudflare import Cloudflare

PER_PAGE = 5000
READ_ATTEMPTS = 3
LONGEST_WAIT = 300  # seconds: Cloudflare's window for its rate limit
BATCH_LENGTH = 200  # operations in one batch on the Free plan


class OutcomeUnknown(SyncError):
    """A change was sent, and no usable answer came: it may have been made, or not."""


@dataclass(frozen=True, slots=True)
class Zone:
    """A zone as Cloudflare describes it. ``status``: active, pending, initializing, moved."""

    id: str
    name: str
    status: str
    nameservers: tuple[str, ...]


class Zones:
    """The zones that a token may change. Nothing is sent before the first question."""

    def __init__(
        self,
        environ: Mapping[str, str] = os.environ,
        *,
        timeout: float = 30.0,
        pause: Callable[[float], None] = time.sleep,
        tell: Callable[[str], None] = lambda line: None,
    ) -> None:
        """Take token and endpoint from the environment. ``timeout`` in seconds an answer.

        ``pause`` waits out a rate limit, ``tell`` says so beforehand. Raises NoToken.
        """
        token = environ.get("CLOUDFLARE_API_TOKEN", "").strip()
        if not token:
            raise NoToken(f"CLOUDFLARE_API_TOKEN is not set: make a token at {TOKEN_PAGE} and export it")
        if not re.fullmatch(r"[\x21-\x7e]+", token):
            raise NoToken("CLOUDFLARE_API_TOKEN holds characters that no token has: copy it again")
        self._base_url = environ.get("CLOUDFLARE_BASE_URL", "").strip() or None
        if self._base_url and not re.match(r"https?://[^/]", self._base_url):
            raise NoToken(
                f"CLOUDFLARE_BASE_URL {self._base_url!r} is not an http(s) address: correct or unset it"
            )
        self._token, self._timeout, self._pause, self._tell = token, timeout, pause, tell
        self._client: Cloudflare | None = None
        self.requests = 0

    def holding(self, domain: str) -> Zone:
        """The zone of the domain, or the nearest above it that the token sees. Raises ZoneNotFound."""
        name = domain
        while "." in name:
            answer = self._read("/zones", {"name": name})
            found = [_zone(item) for item in _items(answer)]
            # A zone that moved to another account may be listed beside the one in use.
            found = sorted((zone for zone in found if zone.name == name), key=lambda z: z.status != "active")
            if found:
                return found[0]
            name = name.partition(".")[2]
        raise ZoneNotFound(
            f"{domain}: no zone of this name at Cloudflare that the token can see: add the domain there, "
            f"or give the token access to it at {TOKEN_PAGE}"
        )

    def records(self, zone: Zone) -> tuple[ZoneRecord, ...]:
        """Every record of the zone; one request for each 5,000."""
        found: list[ZoneRecord] = []
        for page in range(1, 1000):
            answer = self._read(f"/zones/{zone.id}/dns_records", {"per_page": PER_PAGE, "page": page})
            items = _items(answer)
            try:
                found += [from_api(item) for item in items]
            except ValueError as error:
                raise Unreachable(f"Cloudflare answered {error}: run again, or report it") from None
            if len(items) < PER_PAGE:
                break
        return tuple(found)

    def change(self, zone: Zone, plan: Plan) -> list[str]:
        """Make all of the plan's changes in one transaction; what came out differently, in words.

        Raises Refused where nothing was changed, and OutcomeUnknown where that cannot be said.
        """
        if plan.changes > BATCH_LENGTH:
            raise Refused(
                f"{zone.name}: {plan.changes} changes are more than Cloudflare takes at once "
                f"({BATCH_LENGTH}): delete some in the dashboard"
            )
        body = {
            "deletes": [{"id": held.id} for held in plan.deletes],
            "patches": [{"id": change.before.id, **to_api(change.after)} for change in plan.patches],
            "posts": [to_api(record) for record in plan.posts],
        }
        answer = self._write(f"/zones/{zone.id}/dns_records/batch", {k: v for k, v in body.items() if v})
        return _unlike(plan, answer)

    def _connected(self) -> "Cloudflare":
        if self._client is None:
            from dns.cloudflare_sdk import connected  # late: most of the time that this program takes

            try:
                self._client = connected(self._token, self._base_url, self._timeout)
            except (ValueError, ImportError, OSError) as error:
                # A proxy's address that is none, a certificate file that is not there.
                raise Unreachable(f"Cloudflare cannot be asked ({error}): {_network_mend(error)}") from None
        return self._client

    def _read(self, path: str, query: Mapping[str, object]) -> object:
        for attempt in range(READ_ATTEMPTS):
            try:
                return self._asked(lambda client: client.get(path, cast_to=object, options={"params": query}))
            except Unreachable:
                if attempt == READ_ATTEMPTS - 1:
                    raise
                self._pause(0.1 * 3**attempt)
        raise AssertionError("not reached")

    def _write(self, path: str, body: Mapping[str, object]) -> object:
        try:
            return self._asked(lambda client: client.post(path, cast_to=object, body=body))
        except Unreachable as error:
            raise OutcomeUnknown(str(error)) from None

    def _asked(self, ask: "Callable[[Cloudflare], object]") -> object:
        """One request and its answer's JSON, repeated only where Cloudflare asks to wait."""
        client = self._connected()
        waited = 0.0
        while True:
            self.requests += 1
            try:
                with _in_words():
                    answer = ask(client)
            except _Wait as wait:
                if waited + wait.seconds > LONGEST_WAIT:
                    raise Refused(wait.message, 971) from None
                self._tell(f"Cloudflare asks to wait {wait.seconds:.0f} s (too many requests)")
                self._pause(wait.seconds)
                waited += wait.seconds
                continue
            if not isinstance(answer, dict) or "result" not in answer:
                raise Unreachable(explained(200, None)[1])
            return answer


class _Wait(Exception):
    """A 429: nothing was done, and Cloudflare says when to ask again."""

    def __init__(self, seconds: float, message: str) -> None:
        super().__init__(message)
        self.seconds, self.message = seconds, message


@contextmanager
def _in_words() -> "Iterator[None]":
    """Turn what the SDK raises into our errors; the token is in none of them."""
    import cloudflare

    try:
        yield
    except cloudflare.APITimeoutError:
        raise Unreachable(
            "Cloudflare did not answer in time: see that the network works, and run again"
        ) from None
    except cloudflare.APIConnectionError as error:
        raise Unreachable(f"Cloudflare cannot be reached ({_cause(error)}): {_network_mend(error)}") from None
    except cloudflare.APIStatusError as error:
        code, message = explained(error.status_code, error.body)
        if error.status_code == 429:
            raise _Wait(_retry_after(error.response.headers.get("retry-after")), message) from None
        if error.status_code >= 500 or (code == 0 and error.status_code not in (401, 403)):
            raise Unreachable(message) from None
        raise Refused(message, code) from None
    except (cloudflare.CloudflareError, ValueError):
        # Half of a JSON answer, or one that is none.
        raise Unreachable(explained(200, None)[1]) from None


def _cause(error: BaseException) -> str:
    """The innermost reason, in its own words."""
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__ or error
    return " ".join(str(error).split())[:200] or type(error).__name__


def _network_mend(error: BaseException) -> str:
    text = _cause(error).lower()
    if "certificate" in text or "ssl" in text:
        return "see the clock, the certificates (SSL_CERT_FILE), and whether a proxy answers in its place"
    if "name" in text and ("resol" in text or "known" in text or "address associated" in text):
        return "the name cannot be looked up, see the network and /etc/resolv.conf"
    if "proxy" in text:
        return "see HTTPS_PROXY"
    return "see the network, a firewall or proxy (HTTPS_PROXY), and CLOUDFLARE_BASE_URL if set"


def _retry_after(text: str | None) -> float:
    try:
        return max(0.0, float(text or 60))
    except ValueError:
        return 60.0


def _items(answer: object) -> list[dict[str, Any]]:
    result = cast("dict[str, object]", answer)["result"]
    if not isinstance(result, list) or not all(isinstance(item, dict) for item in result):
        raise Unreachable(explained(200, None)[1])
    return result


def _zone(item: Mapping[str, Any]) -> Zone:
    try:
        return Zone(
            id=str(item["id"]),
            name=canonical_name(str(item["name"])),
            status=str(item.get("status", "active")),
            nameservers=tuple(str(server).rstrip(".") for server in item.get("name_servers") or ()),
        )
    except KeyError as missing:
        raise Unreachable(f"Cloudflare answered a zone without {missing}: run again, or report it") from None


def _unlike(plan: Plan, answer: object) -> list[str]:
    """What of the batch's answer is not what was planned; records are compared as the world sees them."""
    result = cast("dict[str, object]", answer)["result"]
    returned = result if isinstance(result, Mapping) else {}
    unlike: list[str] = []
    for kind, wanted in (("posts", plan.posts), ("patches", tuple(change.after for change in plan.patches))):
        items = returned.get(kind) or []
        try:
            made = [from_api(item).record for item in items]
        except (ValueError, AttributeError, TypeError):
            made = []
        values = {(record.value, record.ttl, record.proxied) for record in made}
        unlike += [
            f"{record.shown}: Cloudflare did not confirm it"
            for record in wanted
            if (record.value, record.ttl, record.proxied) not in values
        ]
    if len(returned.get("deletes") or []) != len(plan.deletes):
        unlike.append("Cloudflare did not confirm every deletion")
    return unlike
