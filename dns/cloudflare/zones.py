"""A zone at Cloudflare: found and read in two requests, and changed in one.

A change is sent once. If its outcome is unknown, OutcomeUnknown says so, and the caller reads the zone again
to compare.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping

from dns.cloudflare import answers
from dns.cloudflare.answers import Zone
from dns.cloudflare.api import Api
from dns.cloudflare.api_records import changed_fields, to_api
from dns.cloudflare.outcome import Outcome, outcome_from
from dns.cloudflare.refusals import TOKEN_PAGE
from dns.cloudflare.signing import Dnssec, dnssec_from
from dns.cloudflare.workers import Workers
from dns.errors import NotPermitted, OutcomeUnknown, Refused, Unreachable, ZoneNotFound
from dns.plan import Plan
from dns.records import ZoneRecord

Items = list[Mapping[str, object]]

PER_PAGE = 5000
ZONES_PER_PAGE = 50
MOST_PAGES = 1000
LIST_ATTEMPTS = 3  # how often a list is read that changes while its pages are read
BATCH_LENGTH = 200  # operations in one batch on the Free plan


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
        """Take the token and the endpoint from the environment. `timeout` is in seconds, for each answer.

        `pause` waits at a rate limit, after `tell` got a line about it. Raises NoToken, WrongSetting.
        """
        self._api = Api(environ, timeout=timeout, pause=pause, tell=tell)
        self.workers = Workers(self._api)
        """The Workers that serve MTA-STS policies, in the accounts of these zones."""

    @property
    def requests(self) -> int:
        """How many requests were sent."""
        return self._api.requests

    def holding(self, domain: str) -> Zone:
        """Find the zone of the domain, or the nearest zone above it that the token sees.

        Raises ZoneNotFound, or ZoneUnusable if records in the zone would not be served.
        """
        name = domain
        refused: NotPermitted | None = None
        while "." in name:
            try:
                items = self._all("/zones", ZONES_PER_PAGE, {"name": name})
            except NotPermitted as error:
                # A token for single zones gets this answer for every name that is not one of them.
                refused, items = refused or error, []
            zone = answers.zone_from(name, items)
            if zone:
                return zone
            name = name.partition(".")[2]
        if refused is not None and refused.code:
            raise refused
        said = f" ({refused})" if refused else ""
        raise ZoneNotFound(
            f"{domain}: the token sees no zone of this name at Cloudflare{said}: add the domain "
            f"there, or give the token access to it at {TOKEN_PAGE}"
        )

    def records(self, zone: Zone) -> tuple[ZoneRecord, ...]:
        """Read every record of the zone: one request for each 5,000 records, or for each page that comes."""
        items = self._all(f"/zones/{zone.id}/dns_records", PER_PAGE, {})
        return tuple(answers.record_from(item) for item in items)

    def change(self, zone: Zone, plan: Plan) -> Outcome:
        """Make all changes of the plan in one transaction. Returns what the answer confirms.

        Raises Refused if nothing was changed, and OutcomeUnknown if it is not known whether it was.
        """
        if plan.changes > BATCH_LENGTH:
            raise Refused(
                f"{zone.name}: {plan.changes} changes are more than Cloudflare takes at once "
                f"({BATCH_LENGTH}): delete some in the dashboard"
            )
        body = {
            "deletes": [{"id": held.id} for held in plan.deletes],
            "patches": [
                {"id": change.before.id, **changed_fields(change.before.record, change.after)}
                for change in plan.patches
            ],
            "posts": [to_api(record) for record in plan.posts],
        }
        path = f"/zones/{zone.id}/dns_records/batch"
        sent = {kind: operations for kind, operations in body.items() if operations}
        try:
            answer = self._api.post(path, sent)
        except Unreachable as error:
            raise OutcomeUnknown(str(error)) from None
        return outcome_from(plan, answer)

    def dnssec(self, zone: Zone) -> Dnssec:
        """Read the state of the zone's DNSSEC. Raises Unreachable, Refused."""
        return dnssec_from(self._api.dnssec(zone.id))

    def sign(self, zone: Zone) -> Dnssec:
        """Switch the zone's DNSSEC on. Returns its state. Raises Unreachable, Refused."""
        return dnssec_from(self._api.sign(zone.id))

    def _all(self, path: str, per_page: int, query: Mapping[str, object]) -> Items:
        """Read every item of a list, page by page. If it changes, start again. Raises Unreachable."""
        for _ in range(LIST_ATTEMPTS):
            items = self._pages(path, per_page, query)
            if items is not None:
                return items
        raise Unreachable(
            f"{path}: the list changed each time while its pages were read ({LIST_ATTEMPTS} times): "
            "run again when nobody else changes it"
        )

    def _pages(self, path: str, per_page: int, query: Mapping[str, object]) -> Items | None:
        """Read every item of a list, each once. None if the list changed between two pages."""
        found: dict[object, Mapping[str, object]] = {}
        total: int | None = None
        for number in range(1, MOST_PAGES + 1):
            page = answers.page_from(self._api.get(path, {**query, "per_page": per_page, "page": number}))
            if number > 1 and page.total != total:
                return None
            total, before = page.total, len(found)
            found |= {item["id"]: item for item in page.items}
            whole = total is None or len(found) >= total
            if whole and number >= (page.pages or 0):
                return list(found.values())
            if len(found) == before:
                if whole and total is not None:
                    return list(found.values())
                # The page repeats another or is empty, although there are more items.
                raise Unreachable(
                    f"{path}: Cloudflare gave {len(found)} of {total or 'more'} items: "
                    "run again, or report it"
                )
        raise Unreachable(
            f"{path}: has more than {MOST_PAGES} pages, and this program reads no more: report it"
        )
