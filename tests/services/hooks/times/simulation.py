"""A hook over days, with a clock that is only a number, and tries that take no time."""

from __future__ import annotations

import random
from collections.abc import Callable

from services.hooks.schedule import Failure, Schedule
from services.hooks.state import State

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
