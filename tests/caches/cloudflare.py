"""The stand-in for Cloudflare in the simulated time. What it changes takes effect at that moment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tests.caches.clock import Clock
from tests.lab.cloudflare import StandIn
from tests.lab.cloudflare.api import Request


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

    def answer(self, request: Request) -> tuple[int, dict[str, Any], Mapping[str, str]]:
        answered = super().answer(request)
        if request.method != "GET":
            for zone in self.zones.values():
                for key, record in zone.records.items():
                    if self._stamps.get(key) != record["modified_on"]:
                        self._stamps[key] = record["modified_on"] = self._clock().isoformat()
            self.changed()
        return answered
