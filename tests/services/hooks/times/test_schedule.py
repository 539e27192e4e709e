"""When which message is tried: days of it, with a clock that is only a number."""

from __future__ import annotations

import itertools
import random
from collections import Counter

import pytest

from services.hooks.schedule import DELAYS, LIFETIME, LONGEST, Failure, Schedule, delay
from services.hooks.state import State, Try
from tests.services.hooks.times.simulation import DAY, DOWN, NOW, Simulation, name, never


def test_one_message_is_tried_for_ten_days_never_more_than_twelve_hours_apart() -> None:
    for seed in range(5):
        simulation = Simulation([name(1)], never, seed)
        simulation.run(NOW + DAY / 24)
        simulation.run(NOW + 12 * DAY, now=NOW + DAY / 24, step=60.0)
        times = [at for at, _ in simulation.tried]
        gaps = [after - before for before, after in itertools.pairwise(times)]
        for gap, planned in zip(gaps, DELAYS, strict=False):
            assert 0.8 * planned <= gap <= 1.2 * planned + 60
        assert all(0.8 * LONGEST <= gap <= LONGEST + 60 for gap in gaps[len(DELAYS) :])
        assert NOW + LIFETIME <= simulation.dead[name(1)] <= NOW + LIFETIME + LONGEST + 60


def test_the_waits_of_two_messages_differ_by_chance() -> None:
    assert len({delay(3, random.Random(seed).uniform(0.8, 1.2)) for seed in range(20)}) == 20


@pytest.mark.parametrize(("asked", "waited"), [(0.0, 4.0), (3600.0, 3600.0), (10 * DAY, LONGEST)])
def test_retry_after_is_waited_for_up_to_twelve_hours(asked: float, waited: float) -> None:
    simulation = Simulation([name(1), name(2)], lambda _, __: Failure("503", asked))
    simulation.run(NOW + waited)
    assert len(simulation.tried) == 1
    simulation.run(NOW + waited + 10, now=NOW + waited)
    assert len(simulation.tried) == 2


def test_a_dead_target_gets_a_bounded_number_of_requests_for_10000_messages() -> None:
    names = [name(number, NOW - number) for number in range(10_000)]
    simulation = Simulation(names, never)
    simulation.run(NOW + LIFETIME - 10_000, step=60.0)
    assert 450 < len(simulation.tried) < 620
    assert simulation.dead == {}


def test_what_only_waited_for_ten_days_is_tried_before_it_is_given_up() -> None:
    simulation = Simulation([name(number) for number in range(700)], never)
    simulation.run(NOW + LIFETIME, step=60.0)
    assert len(simulation.tried) < 640
    late = len(simulation.tried)
    simulation.run(NOW + LIFETIME + 2 * DAY, now=NOW + LIFETIME, step=60.0)
    assert simulation.names == []
    assert simulation.dead.keys() == {each for _, each in simulation.tried}
    times = [at for at, _ in simulation.tried[late:]]
    assert all(after - before >= 240 for before, after in itertools.pairwise(times))


def test_a_dead_target_gets_twelve_requests_an_hour_while_new_messages_come() -> None:
    names = [name(number, NOW + 10 * number) for number in range(8640)]
    simulation = Simulation(names, never)
    simulation.run(NOW + DAY, step=30.0)
    assert 200 < len(simulation.tried) < 24 * 14


def test_a_target_that_is_back_gets_all_at_once_within_half_an_hour() -> None:
    back = NOW + 3 * DAY
    names = [name(number) for number in range(1000)]
    simulation = Simulation(names, lambda _, now: DOWN if now < back else None)
    simulation.run(back + 2200)
    assert simulation.names == [], "also those that were probes, whose own next try was later"
    assert Counter(each for _, each in simulation.tried).most_common(1)[0][1] <= 2


def test_a_target_that_restarts_is_asked_again_within_seconds() -> None:
    names = [name(number) for number in range(100)]
    simulation = Simulation(names, lambda _, now: DOWN if now < NOW + 12 else None)
    simulation.run(NOW + 40)
    first = simulation.tried[0][1]
    assert set(simulation.names) <= {first, simulation.tried[1][1]}, "only the first probes still wait"


def test_a_new_message_is_tried_before_those_that_failed() -> None:
    schedule = Schedule(State(), lambda: 1.0)
    for each in (name(1), name(2)):
        schedule.failed(each, DOWN, NOW, NOW)
    names = [name(1), name(2), name(3)]
    assert schedule.choose(names, (), NOW + 4) is None
    assert schedule.choose(names, (), NOW + 400) == name(3)


def test_failures_that_were_under_way_together_count_as_one() -> None:
    schedule = Schedule(State(), lambda: 1.0)
    for number in range(4):
        schedule.failed(name(number), DOWN, NOW, NOW + 1)
    assert schedule.choose([name(9)], (), NOW + 6) == name(9)


def test_one_probe_at_a_time() -> None:
    schedule = Schedule(State(), lambda: 1.0)
    schedule.failed(name(1), DOWN, NOW, NOW)
    assert schedule.choose([name(1), name(2)], {name(2)}, NOW + 400) is None


def test_the_oldest_goes_first_and_none_twice() -> None:
    schedule = Schedule(State(), lambda: 1.0)
    names = [name(1), name(2), name(3)]
    assert schedule.choose(names, (), NOW) == name(1)
    assert schedule.choose(names, {name(1)}, NOW) == name(2)
    assert schedule.choose(names, set(names), NOW) is None


def test_a_stopped_hook_tries_nothing_until_it_is_told_to_forget() -> None:
    schedule = Schedule(State(), lambda: 1.0)
    schedule.stop(name(1), "410 Gone", NOW)
    assert schedule.choose([name(1)], (), NOW + 99 * DAY) is None
    assert list(schedule.over([name(1)], NOW + 99 * DAY)) == []
    schedule.forget()
    assert schedule.choose([name(1)], (), NOW) == name(1)


def test_a_message_that_is_asked_for_is_tried_at_once_and_the_others_wait_as_before() -> None:
    names = [name(number) for number in range(1, 4)]
    schedule = Schedule(State(), lambda: 1.0)
    for each in names:
        schedule.failed(each, DOWN, NOW, NOW)
    schedule.forget({names[1]})
    assert schedule.choose(names, (), NOW + 1) == names[1]
    schedule.failed(names[1], DOWN, NOW + 1, NOW + 1)
    assert schedule.choose(names, (), NOW + 1) is None
    assert [schedule.state.tries[each].next - NOW for each in names] == [5.0, 6.0, 5.0]


def test_a_message_that_is_tried_late_is_tried_for_a_day_at_least() -> None:
    """The host was off for two weeks, or `--retry` took the message out of `dead/`."""
    simulation = Simulation([name(1, NOW - 14 * DAY)], never)
    simulation.run(NOW + 3 * DAY)
    assert len(simulation.tried) >= len(DELAYS)
    assert simulation.dead[name(1, NOW - 14 * DAY)] >= NOW + DAY


def test_a_clock_that_is_set_back_makes_nothing_wait_for_longer() -> None:
    state = State(tries={name(1): Try(9, NOW, NOW + LONGEST, "x")}, failing_since=NOW)
    schedule = Schedule(state, lambda: 1.0)
    assert schedule.choose([name(1)], (), NOW + 1) is None
    assert schedule.choose([name(1)], (), NOW - 365 * DAY) == name(1)
    schedule.failed(name(2), DOWN, NOW, NOW)
    assert schedule.choose([name(3)], (), NOW - 365 * DAY) == name(3)


def test_a_target_that_fails_after_the_clock_was_set_back_is_probed_again_soon() -> None:
    schedule = Schedule(State(), lambda: 1.0)
    schedule.failed(name(1), DOWN, NOW + 365 * DAY, NOW + 365 * DAY)
    schedule.failed(name(2), DOWN, NOW, NOW)
    assert schedule.choose([name(3)], (), NOW + 1) is None
    assert schedule.choose([name(3)], (), NOW + 11) == name(3)


def test_a_message_that_cannot_be_read_says_nothing_about_the_target() -> None:
    schedule = Schedule(State(), lambda: 1.0)
    schedule.failed(name(1), Failure("cannot be read", is_of_message=True), NOW, NOW)
    assert not schedule.is_failing
    assert schedule.choose([name(1), name(2)], (), NOW) == name(2)
    assert schedule.choose([name(1)], (), NOW + 6) == name(1)
