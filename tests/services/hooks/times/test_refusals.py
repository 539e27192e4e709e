"""Messages that a target refuses: they hold up no other, and none is given up untried."""

from __future__ import annotations

from collections import Counter

import pytest

from services.hooks.schedule import LIFETIME, Failure, Schedule
from services.hooks.state import State
from tests.services.hooks.times.simulation import DAY, NOW, Simulation, name, never


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
