"""The benchmark of hooks: its interval is Student's, and it says whether the cost is within the bound."""

from __future__ import annotations

import math

import pytest

from benchmarks.mail.hooks import DOWN, EMPTY, WITHOUT, interval, table


def test_the_interval_is_that_of_students_t() -> None:
    # mean 0.02 and standard deviation 0.01 of the logarithms: 0.02 ± 2.776 * 0.01 / sqrt(5)
    spread = 0.01 * math.sqrt(4 / 10)
    ratios = [math.exp(0.02 + each * spread) for each in (-2, -1, 0, 1, 2)]
    half = 2.776 * 0.01 / math.sqrt(5)
    assert interval(ratios) == pytest.approx((math.exp(0.02 - half), math.exp(0.02), math.exp(0.02 + half)))


def test_the_table_judges_by_the_upper_bound_of_the_pairs() -> None:
    rates = [1000.0, 500.0, 800.0, 900.0, 700.0]  # The machine's speed changes, and the pairs do not.
    found = {
        WITHOUT: {"rates": rates, "cpu": [1e-3] * 5},
        EMPTY: {"rates": [each / 1.02 for each in rates], "cpu": [1.01e-3] * 5},
        DOWN: {"rates": [each / 1.06 for each in rates], "cpu": [1e-3, 1.2e-3, 1e-3, 1.1e-3, 0.9e-3]},
    }
    lines = table("ext4", found).splitlines()[4:]
    assert [line.strip() for line in lines] == [
        "a hook: +2.0 % time a message (95 %: +2.0 to +2.0), within 5 %",
        "a hook: +1.0 % CPU time a message (95 %: +1.0 to +1.0), within 5 %",
        "a hook, 10,000 waiting: +6.0 % time a message (95 %: +6.0 to +6.0), not shown to be within 5 %",
        "a hook, 10,000 waiting: +3.5 % CPU time a message (95 %: -9.6 to +18.5), not shown to be within 5 %",
    ]
