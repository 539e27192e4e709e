"""Which part of the bucket is listed when, and what it costs."""

from __future__ import annotations

import calendar
import itertools
import time

from receiver.bucket import keys
from receiver.transfer.window import DAY, EVERYTHING, HOUR, Window, hours

NOON = calendar.timegm((2026, 11, 26, 12, 0, 0))


def has(prefixes: tuple[str, ...], seconds: float) -> bool:
    return any(f"{keys.hour(seconds)}/".startswith(prefix) for prefix in prefixes)


def test_a_whole_day_has_one_prefix() -> None:
    found = hours(NOON - 14 * HOUR, NOON + DAY)
    assert found[:2] == ("2026-11-25/22/", "2026-11-25/23/")
    assert "2026-11-26/" in found
    assert found[-1] == "2026-11-27/12/"
    assert len(found) == 2 + 1 + 13
    assert hours(0, NOON) == EVERYTHING


def test_each_message_is_seen_within_seconds_and_ten_hosts_list_three_million_times_a_month() -> None:
    window, lists, now = Window(), 0, float(NOON)
    while now < NOON + 3 * DAY:
        prefixes = window.prefixes(now)
        lists += len(prefixes)
        assert has(prefixes, now)
        # A message that was first tried 14 seconds ago may come only now, and lies in the hour of that time.
        assert has(prefixes, now - 14)
        window.done(now, is_whole=True)
        now += 10
    a_month = lists * 10
    assert 250_000 < a_month < 330_000
    print(f"{a_month} lists a month for one host, {10 * a_month} for ten")


def test_a_clock_that_is_wrong_by_15_minutes_delays_a_message_by_five() -> None:
    for wrong in (-15 * 60, 15 * 60):
        window, now, seen = Window(), float(NOON - 30), {}
        window.prefixes(now)
        window.done(now, is_whole=True)
        while now < NOON + 1200:
            now += 10
            prefixes = window.prefixes(now)
            window.done(now, is_whole=True)
            for put in range(NOON, int(now), 30):
                if put not in seen and has(prefixes, put + wrong):
                    seen[put] = now - put
        assert max(seen.values()) <= 310


def test_what_was_left_behind_is_tried_again_and_nothing_is_forgotten_meanwhile() -> None:
    window, now = Window(), float(NOON)
    window.prefixes(now)
    assert not window.done(now, is_whole=False)
    tried = []
    for _ in range(4 * 360):
        now += 10
        prefixes = window.prefixes(now)
        window.done(now, is_whole=not has(prefixes, NOON))
        tried += [now] if has(prefixes, NOON) else []
    assert max(late - early for early, late in itertools.pairwise(tried)) <= 70
    assert tried[-1] > now - 70
    assert time.gmtime(now).tm_hour == 16
