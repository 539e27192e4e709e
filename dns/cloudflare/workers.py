"""The Workers that serve MTA-STS policies: one Worker a domain, with `mta-sts.DOMAIN` as its custom domain.

Cloudflare makes the DNS record and the certificate of a custom domain by itself, and removes them with it.
https://developers.cloudflare.com/api/resources/workers/
https://developers.cloudflare.com/workers/configuration/routing/custom-domains/
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dns.cloudflare.answers import AGAIN, Zone
from dns.cloudflare.api import Answer, Api
from dns.cloudflare.refusals import NO_SCRIPT, TOKEN_PAGE, WORKERS_PERMISSION
from dns.cloudflare.worker_script import (
    COMPATIBILITY_DATE,
    MAIN_MODULE,
    digest_of,
    script_for,
    script_in,
    script_name,
)
from dns.errors import NotPermitted, OutcomeUnknown, Refused, Unreachable
from dns.mta_sts.policy import policy_host

if TYPE_CHECKING:
    from cloudflare import Cloudflare

TAG = "letterbox"
"""By which a person finds our Workers in the dashboard."""


@dataclass(frozen=True, slots=True)
class Hosted:
    """What the account has for a domain's policy."""

    digest: str = ""
    """`digest_of` the script that our Worker has now. Empty if there is no Worker of ours."""
    domain_service: str = ""
    """The Worker that `mta-sts.DOMAIN` is a custom domain of. Empty if it is of none."""
    script: str = ""
    """The name of our Worker, whether it is there or not."""


class Workers:
    """The Workers in the accounts of the zones. A call can be made again at any time.

    The token needs WORKERS_PERMISSION. Without it, each call raises NotPermitted with one line that names it.
    """

    def __init__(self, api: Api) -> None:
        self._api = api

    def look(self, zone: Zone, domain: str) -> Hosted:
        """Read what the account has for the domain. Raises NotPermitted, Refused, Unreachable."""
        name = script_name(domain)
        attached = self._attached(zone, domain)
        return Hosted(
            digest=self._digest(zone, domain, name),
            domain_service=attached["service"] if attached else "",
            script=name,
        )

    def publish(self, zone: Zone, domain: str, text: str) -> None:
        """Serve the text as the domain's policy. It may take minutes until Cloudflare serves it.

        Raises NotPermitted, Refused (also if another Worker has the custom domain), Unreachable if nothing
        was changed, and OutcomeUnknown if no answer to a change came.
        """
        name, script = script_name(domain), script_for(domain, text)
        attached = self._attached(zone, domain)
        if attached and attached["service"] != name:
            raise Refused(
                f"{policy_host(domain)} is a custom domain of another Worker, {attached['service']}: remove "
                "it in the dashboard (Workers & Pages > that Worker > Settings > Domains & Routes), or leave "
                "mta_sts out of the inventory",
                100116,
            )
        account = _account(zone)
        metadata = {
            "main_module": MAIN_MODULE,
            "compatibility_date": COMPATIBILITY_DATE,
            "tags": [TAG],
        }
        files = [(MAIN_MODULE, script.encode(), "application/javascript+module")]
        self._write(
            domain,
            lambda client: client.workers.scripts.with_raw_response.update(
                name,
                account_id=account,
                metadata=metadata,  # type: ignore[arg-type]  # a TypedDict of 30 optional keys
                files=files,
            ).json(),
        )
        if attached:
            return
        self._write(
            domain,
            lambda client: client.workers.domains.with_raw_response.update(
                account_id=account, hostname=policy_host(domain), service=name, zone_id=zone.id
            ).json(),
        )

    def remove(self, zone: Zone, domain: str) -> None:
        """Take our Worker and its custom domain away. Another Worker's custom domain stays.

        Raises as `publish` does.
        """
        name = script_name(domain)
        account, attached = _account(zone), self._attached(zone, domain)
        if attached and attached["service"] == name:
            identifier = attached["id"]
            try:
                self._write(
                    domain,
                    lambda client: _answer(
                        client.workers.domains.with_raw_response.delete(identifier, account_id=account).text()
                    ),
                )
            except Refused:
                if self._attached(zone, domain):  # otherwise somebody else has removed it since
                    raise
        try:
            self._write(
                domain,
                lambda client: _answer(
                    client.workers.scripts.with_raw_response.delete(name, account_id=account).text()
                ),
            )
        except Refused as error:
            if error.code != NO_SCRIPT:
                raise

    def _attached(self, zone: Zone, domain: str) -> Mapping[str, str] | None:
        """The custom domain `mta-sts.DOMAIN` as the account has it. None if it has none."""
        account, hostname = _account(zone), policy_host(domain)
        with _naming_the_right(domain):
            answer = self._api.repeatable(
                lambda client: client.workers.domains.with_raw_response.list(
                    account_id=account, hostname=hostname
                ).json()
            )
        items = answer.get("result")
        if not isinstance(items, list) or not all(map(_is_custom_domain, items)):
            raise Unreachable(f"Cloudflare did not answer with a list of custom domains: {AGAIN}")
        return next((item for item in items if item["hostname"].lower() == hostname), None)

    def _digest(self, zone: Zone, domain: str, name: str) -> str:
        """The digest of the script as it is, even if somebody has edited it. Empty if it is not there."""
        account = _account(zone)

        def ask(client: Cloudflare) -> Answer:
            content = client.workers.scripts.content.with_raw_response.get(
                name, account_id=account, extra_headers={"Accept": "*/*"}
            )
            kind = content.headers.get("content-type", "")
            return {"success": True, "result": script_in(kind, content.read())}

        try:
            with _naming_the_right(domain):
                return digest_of(str(self._api.repeatable(ask)["result"]))
        except Refused as error:
            if error.code == NO_SCRIPT:
                return ""
            raise

    def _write(self, domain: str, ask: Callable[[Cloudflare], object]) -> None:
        """Send a change, which does the same each time. Raises as `publish` does."""
        try:
            with _naming_the_right(domain):
                self._api.repeatable(ask)
        except Unreachable as error:
            raise OutcomeUnknown(str(error)) from None


def _is_custom_domain(item: object) -> bool:
    return isinstance(item, Mapping) and all(
        isinstance(item.get(key), str) and item[key] for key in ("id", "hostname", "service")
    )


def _account(zone: Zone) -> str:
    if not zone.account:
        raise Unreachable(f"zone {zone.name}: Cloudflare did not say which account it is in: {AGAIN}")
    return zone.account


def _answer(text: str) -> Answer:
    """The answer to a deletion. Its body is empty where nothing is left to say."""
    read: Answer = json.loads(text) if text.strip() else {"success": True, "result": None}
    return {"result": None, **read} if isinstance(read, Mapping) else read


@contextmanager
def _naming_the_right(domain: str) -> Iterator[None]:
    """Let a refusal for want of a right name the one that Workers need."""
    try:
        yield
    except NotPermitted as error:
        code = f" with {error.code}" if error.code else ""
        raise NotPermitted(
            f"{domain}: mta_sts needs a Worker, and the token may not change Workers (Cloudflare refused"
            f"{code}): add the permission {WORKERS_PERMISSION} to it at {TOKEN_PAGE}, or leave mta_sts out "
            "of the inventory",
            error.code,
        ) from None
