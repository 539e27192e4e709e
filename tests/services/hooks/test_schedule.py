"""When which message is tried: days of it, with a clock that is only a number."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Callable

import pytest

from services.hooks.schedule import DELAYS, LIFETIME, LONGEST, Failure, Schedule, delay
from services.hooks.state import State, Try

NOW = 1_790_000_000.0
DAY = 86_400.0
DOWN = Failure("cannot connect")
Judge = Callable[[str, float], Failure | None]
"""What the target makes of a message at a time. None: it takes it."""


def name(number: int, at: float = NOW) -> str:
    return f"{int(at)}.M{number:06}P1Q1Rabcdef01.mx1.00000000"


class Simulation:
    """A hook whose tries take no time. `tried` has each try; `dead` what was given up."""

    def __init__(self, names: list[str], judge: Judge, seed: int = 1) -> None:
        drawn = random.Random(seed)
        self.schedule = Schedule(State(), lambda: drawn.uniform(0.8, 1.2))
        self.names, self._judge = sorted(names), judge
        self.tried: list[tuple[float, str]] = []
        self.dead: dict[str, float] = {}

    def run(
        self, until: float, now: float = NOW, step: float = 1.0, after: Callable[[], None] = lambda: None
    ) -> None:
        while now < until and self.names:
            while (chosen := self.schedule.choose(self.names, (), now)) is not None:
                self.tried.append((now, chosen))
                failure = self._judge(chosen, now)
                if failure is None:
                    self.schedule.succeeded(chosen, now)
                    self.names.remove(chosen)
                    continue
                self.schedule.failed(chosen, failure, now, now)
                for each in list(self.schedule.over(self.names, now)):
                    self.names.remove(each)
                    self.dead[each] = now
            after()
            now += step


def never(_: str, now: float) -> Failure | None:
    return DOWN


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


def waited(simulation: Simulation, good: str) -> float:
    at = next(at for at, each in simulation.tried if each == good)
    return at - float(good.partition(".")[0])


@pytest.mark.parametrize("refusal", [Failure("500"), Failure("422", is_of_message=True)])
@pytest.mark.parametrize("later", [60.0, 5 * 3600.0])
@pytest.mark.parametrize("count", [1, 10, 100, 600])
def test_messages_that_the_target_refuses_hold_up_a_good_one_for_minutes(
    count: int, later: float, refusal: Failure
) -> None:
    good = name(0, NOW + later)
    refused = {name(number) for number in range(1, count + 1)}
    simulation = Simulation(list(refused), lambda each, _: refusal if each in refused else None)
    simulation.run(NOW + later)
    simulation.names = [*simulation.names, good]  # The queue makes a new list, too.
    simulation.run(NOW + later + 1500, now=NOW + later)
    assert good not in simulation.names
    assert waited(simulation, good) < 900
    simulation.run(NOW + LIFETIME + 3 * DAY, now=NOW + later + 1500, step=60.0)
    assert simulation.dead.keys() == refused
    tries = Counter(each for _, each in simulation.tried)
    assert tries.keys() == {*refused, good}, "none is given up untried"


def test_good_messages_go_out_among_hundreds_that_are_refused() -> None:
    refused = {name(number) for number in range(300)}
    good = {name(number, NOW + 60 * number) for number in range(1000, 1060)}
    simulation = Simulation([], lambda each, _: Failure("500") if each in refused else None)
    start = min(good).partition(".")[0]
    simulation.names = sorted(refused)
    simulation.run(float(start), step=5.0)
    simulation.names = sorted({*simulation.names, *good})
    simulation.run(float(start) + 3600, now=float(start), step=5.0)
    assert not good & set(simulation.names)


def test_a_refusal_of_one_message_slows_no_other() -> None:
    schedule = Schedule(State(), lambda: 1.0)
    schedule.failed(name(1), Failure("422", 3600.0, is_of_message=True), NOW, NOW)
    assert not schedule.is_failing
    assert schedule.choose([name(1), name(2)], (), NOW) == name(2)
    assert schedule.choose([name(1)], (), NOW + 3599) is None
    assert schedule.choose([name(1)], (), NOW + 3600) == name(1)


def test_probes_are_by_turns_the_newest_that_was_never_tried_and_the_one_with_the_fewest_tries() -> None:
    names = [name(number) for number in range(1, 9)]
    simulation = Simulation(names, never)
    simulation.run(NOW + 200)
    assert [each for _, each in simulation.tried] == [name(each) for each in (1, 8, 2, 7, 3, 6)]


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


def test_a_message_that_the_target_cannot_take_holds_up_no_other() -> None:
    names = [name(number) for number in range(200)]
    poison = set(names[::20])
    simulation = Simulation(names, lambda each, _: Failure("500") if each in poison else None)
    simulation.run(NOW + 150)
    assert set(simulation.names) == poison
    simulation.run(NOW + 12 * DAY, now=NOW + 150, step=20.0)
    assert simulation.dead.keys() == poison
    tries = Counter(each for _, each in simulation.tried)
    assert all(20 <= tries[each] <= 40 for each in poison)


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


def test_a_message_that_cannot_be_read_says_nothing_about_the_target() -> None:
    schedule = Schedule(State(), lambda: 1.0)
    schedule.failed(name(1), Failure("cannot be read", is_of_message=True), NOW, NOW)
    assert not schedule.is_failing
    assert schedule.choose([name(1), name(2)], (), NOW) == name(2)
    assert schedule.choose([name(1)], (), NOW + 6) == name(1)
