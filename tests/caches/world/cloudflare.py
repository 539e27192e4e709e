"""The stand-in for Cloudflare in the simulated time. What it changes takes effect at that moment."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from dns.mta_sts.policy import policy_host
from tests.caches.world.clock import Clock
from tests.lab.cloudflare import StandIn
from tests.lab.cloudflare.api import Request
from tests.lab.cloudflare.server import Answered

_POLICY = re.compile(r"^const POLICY = (\".*\");$", re.MULTILINE)


class TimedStandIn(StandIn):
    """It says of each record when it was last changed, by the clock.

    `changed` is called after every request that may have changed something, before it is answered. So what
    our code says of itself does not count.
    """

    def __init__(self, *args: Any, clock: Clock, **more: Any) -> None:
        super().__init__(*args, **more)
        self.changed: Callable[[], None] = lambda: None
        self._clock = clock
        self._stamps: dict[str, str] = {}

    def answer(self, request: Request) -> Answered:
        answered = super().answer(request)
        if request.method != "GET":
            for zone in self.zones.values():
                for key, record in zone.records.items():
                    if self._stamps.get(key) != record["modified_on"]:
                        self._stamps[key] = record["modified_on"] = self._clock().isoformat()
            self.changed()
        return answered

    def policies(self) -> dict[str, str]:
        """What the Workers are to serve, by the constant of their scripts, for each domain that has one."""
        found = {}
        for custom in self.account.domains.values():
            script = self.served(custom["hostname"])
            constant = _POLICY.search(script) if script else None
            if constant:
                found[custom["hostname"].removeprefix(policy_host(""))] = str(json.loads(constant[1]))
        return found
