"""The benchmark of the bucket: its far store delays and counts, and its lines say what was kept."""

from __future__ import annotations

import time
import urllib.request
from pathlib import Path

import pytest

from benchmarks.bucket import pulls
from benchmarks.bucket.__main__ import main
from benchmarks.bucket.measures import Rates
from benchmarks.bucket.running import far_store, number_at, put_rate


def _put(url: str) -> float:
    began = time.monotonic()
    urllib.request.urlopen(urllib.request.Request(url, b"x" * 100_000, method="PUT"), timeout=30).close()
    return time.monotonic() - began


def test_the_far_store_answers_after_its_delay_and_counts_keys() -> None:
    with far_store(0.3) as (url, counting):
        assert min(_put(f"{url}/one"), _put(f"{url}/one"), _put(f"{url}/two")) >= 0.3
        assert number_at(counting) == 2
        assert put_rate(url, 10, 20) <= 10 / 0.3
        assert number_at(counting) == 22


def test_a_ratio_is_that_of_two_runs_of_one_round() -> None:
    said = str(Rates(20, [80.0, 400.0, 90.0], [100.0, 500.0, 100.0], [(0.001, 0.002)] * 3))
    assert said == (
        " 20 senders:    90 messages/s, the store alone   100 PUTs/s: 0.80 of it (0.80 to 0.90),"
        " at least 0.8; CPU a message: receiver 1.00 ms, service 2.00 ms"
    )
    assert "NOT 0.8" in str(Rates(1, [79.0], [100.0], [(0.0, 0.0)]))


def test_pulls_are_timed_by_messages_and_by_hosts(tmp_path: Path) -> None:
    first, together, second = pulls.growth(tmp_path, [40, 20], lambda text: None)
    assert first.startswith("pull of 20 messages: ") and second.startswith("pull of 40 messages: ")
    assert together.startswith("10 hosts that pull 20 messages each at once")


@pytest.mark.parametrize("arguments", [["--rounds", "0"], ["--only", "speed"]])
def test_a_wrong_argument_is_refused(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert arguments[0] in capsys.readouterr().err
