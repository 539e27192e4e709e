"""Several workers count their connections in shared memory."""

from __future__ import annotations

import itertools
import os
from collections import defaultdict

from receiver.config.values import Limits
from receiver.serving.tally import Tally, slots
from receiver.smtp.admission import Admission
from receiver.smtp.replies import TOO_MANY_FROM_ADDRESS

ADDRESSES = [f"192.{a}.{b}.{c}" for a in range(100, 104) for b in range(100, 200) for c in range(100, 200)]


def test_a_worker_sees_the_counts_of_all_others_and_not_its_own() -> None:
    tally = Tally(3)
    one, two, three = (tally.of_worker(each) for each in range(3))
    one.add("192.0.2.1", 5)
    two.add("192.0.2.1", 2)
    two.add("192.0.2.1", -1)
    assert [each.count("192.0.2.1") for each in (one, two, three)] == [1, 5, 6]
    assert three.count("192.0.2.2") == 0


def test_another_process_sees_it() -> None:
    tally = Tally(2)
    child = os.fork()
    if not child:
        tally.of_worker(0).add("192.0.2.1", 70_000)
        os._exit(0)
    os.waitpid(child, 0)
    assert tally.of_worker(1).count("192.0.2.1") == 70_000


def test_dead_workers_have_no_connections_and_living_ones_keep_theirs() -> None:
    tally = Tally(3)
    for worker in range(3):
        tally.of_worker(worker).add("192.0.2.1", 1)
    tally.forget(1)
    assert [tally.of_worker(each).count("192.0.2.1") for each in range(3)] == [1, 2, 1]


def test_addresses_that_share_a_slot_in_one_row_are_counted_apart() -> None:
    tally = Tally(2)
    first = ADDRESSES[0]
    rows = list(zip(*map(slots, ADDRESSES), strict=True))
    in_row = [[each for each, slot in zip(ADDRESSES, row, strict=True) if slot == row[0]] for row in rows]
    others = set(in_row[0]) ^ set(in_row[1])  # in one of the two
    assert others
    for other in in_row[0]:
        if other in others:
            tally.of_worker(0).add(other, 100)
    assert tally.of_worker(1).count(first) == 0


def test_addresses_that_share_a_slot_in_one_row_hardly_share_both() -> None:
    meeting = defaultdict(list)
    for address in ADDRESSES:
        meeting[slots(address)[0]].append(slots(address)[1])
    pairs = [pair for seconds in meeting.values() for pair in itertools.combinations(seconds, 2)]
    in_both = sum(one == other for one, other in pairs)
    assert len(pairs) > 10_000
    assert in_both < len(pairs) / 1000  # 1 of 16,384 is expected


def test_admission_counts_other_workers_and_only_admitted_connections() -> None:
    tally = Tally(2)
    limits = Limits(connections_per_address=2)
    one, two = (Admission(limits, tally.of_worker(each)) for each in range(2))
    assert one.enter("192.0.2.1") is None
    assert two.enter("192.0.2.1") is None
    for each in (one, two, one, two):
        assert each.enter("192.0.2.1") is TOO_MANY_FROM_ADDRESS
    two.leave("192.0.2.1")
    assert one.enter("192.0.2.1") is None
    assert tally.of_worker(1).count("192.0.2.1") == 2
