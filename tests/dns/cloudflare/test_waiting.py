"""A rate limit is waited out, and a read tried again, but not for ever."""

from __future__ import annotations

import email.utils
import time
from pathlib import Path

import pytest

from dns import sync
from dns.cloudflare.api import LONGEST_WAIT, READ_ATTEMPTS, WAITS
from dns.cloudflare.zones import Zones
from dns.inventory import load
from tests.dns.example import Run, only_line, values
from tests.lab.cloudflare import Fault, StandIn


class TestWaiting:
    """A rate limit is waited out for a bounded time, a bounded number of times."""

    @pytest.mark.parametrize("said", ["0", "-5", "nan", "-inf", "0.0", "1e-9"])
    def test_a_rate_limit_without_a_time_to_wait_ends(
        self, cloudflare: StandIn, inventory: Path, said: str
    ) -> None:
        cloudflare.api.limit, cloudflare.api.retry_after = 0, said
        waited: list[float] = []
        with pytest.raises(sync.SyncError, match=r"too many requests.*asked \d times in \d+ s") as error:
            sync.prepare(load(inventory), "example.test", {}, zones=Zones(pause=waited.append))
        assert len(cloudflare.requests) <= WAITS + 1
        assert min(waited) >= 1
        assert sum(waited) <= LONGEST_WAIT
        assert "Please wait" in str(error.value)

    @pytest.mark.parametrize("said", ["inf", "86400", "1e300"])
    def test_a_wait_that_is_too_long_is_not_begun(
        self, cloudflare: StandIn, inventory: Path, said: str
    ) -> None:
        cloudflare.api.limit, cloudflare.api.retry_after = 0, said
        waited: list[float] = []
        with pytest.raises(sync.SyncError, match=r"too many requests.*asks to wait \S+ s more"):
            sync.prepare(load(inventory), "example.test", {}, zones=Zones(pause=waited.append))
        assert sum(waited) <= LONGEST_WAIT

    def test_a_date_to_wait_for_is_understood(self, cloudflare: StandIn, inventory: Path) -> None:
        cloudflare.fail_next(
            Fault(
                "refuse",
                "/zones",
                429,
                971,
                headers={"retry-after": email.utils.formatdate(time.time() + 30, usegmt=True)},
            )
        )
        waited: list[float] = []
        sync.prepare(load(inventory), "example.test", {}, zones=Zones(pause=waited.append))
        assert 20 < waited[0] <= 30

    @pytest.mark.parametrize("said", ["soon", "", "Mon, 99 Foo 2026"])
    def test_a_retry_after_without_meaning_is_a_minute(
        self, cloudflare: StandIn, inventory: Path, said: str
    ) -> None:
        cloudflare.fail_next(Fault("refuse", "/zones", 429, 971, headers={"retry-after": said}))
        waited: list[float] = []
        sync.prepare(load(inventory), "example.test", {}, zones=Zones(pause=waited.append))
        assert waited == [60.0]

    def test_a_write_at_a_rate_limit_is_given_up_in_the_end_with_nothing_changed(
        self, cloudflare: StandIn, inventory: Path
    ) -> None:
        zones = Zones(pause=lambda seconds: None)
        prepared = sync.prepare(load(inventory), "example.test", {}, zones=zones)
        cloudflare.api.limit, cloudflare.api.retry_after = 0, "0"
        with pytest.raises(sync.SyncError, match="too many requests"):
            sync.apply(prepared, zones=zones)
        assert values(cloudflare) == set()
        assert sum(request.method == "POST" for request in cloudflare.requests) <= WAITS + 1

    def test_a_read_that_fails_is_tried_a_bounded_number_of_times(
        self, cloudflare: StandIn, run: Run
    ) -> None:
        for _ in range(10):
            cloudflare.fail_next(Fault("cut_before"))
        assert f"(tried {READ_ATTEMPTS} times)" in only_line(run())
        assert len(cloudflare.requests) == READ_ATTEMPTS
