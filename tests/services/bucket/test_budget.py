"""The room for content that is under way: in order, in time, and never lost."""

from __future__ import annotations

import asyncio
import errno

import pytest

from services.bucket.budget import Budget
from services.bucket.errors import RequestError


def soon() -> float:
    return asyncio.get_running_loop().time() + 60


def test_who_comes_first_is_served_first_also_if_a_smaller_one_would_fit() -> None:
    async def play() -> list[int]:
        budget, order = Budget(10), []

        async def one(octets: int) -> None:
            room = await budget.take(octets, soon())
            order.append(octets)
            await asyncio.sleep(0)
            budget.give(room)

        await asyncio.gather(*map(one, (6, 8, 2, 3, 1)))
        assert budget.used == 0
        return order

    assert asyncio.run(play()) == [6, 8, 2, 3, 1]


def test_what_is_larger_than_all_room_fits_alone() -> None:
    async def play() -> None:
        budget = Budget(10)
        room = await budget.take(99, soon())
        assert budget.used == 10
        budget.give(room)
        assert budget.used == 0

    asyncio.run(play())


def test_who_waits_too_long_is_refused_and_those_behind_are_served() -> None:
    async def play() -> None:
        budget = Budget(10)
        held = await budget.take(5, soon())
        large = asyncio.create_task(budget.take(10, asyncio.get_running_loop().time() + 0.05))
        await asyncio.sleep(0)
        small = asyncio.create_task(budget.take(5, soon()))
        with pytest.raises(RequestError) as refused:
            await large
        assert refused.value.code == errno.ENOBUFS
        assert await small == 5
        budget.give(held)
        budget.give(5)
        assert budget.used == 0

    asyncio.run(play())


def test_who_leaves_at_the_moment_of_its_turn_leaves_its_room() -> None:
    async def play() -> None:
        budget = Budget(10)
        held = await budget.take(10, soon())
        waiting = asyncio.create_task(budget.take(10, soon()))
        await asyncio.sleep(0)
        budget.give(held)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert budget.used == 0

    asyncio.run(play())


def test_who_leaves_at_the_moment_before_its_turn_leaves_it_to_the_next() -> None:
    async def play() -> None:
        budget = Budget(10)
        held = await budget.take(10, soon())
        leaving = asyncio.create_task(budget.take(10, soon()))
        next_one = asyncio.create_task(budget.take(10, soon()))
        await asyncio.sleep(0)
        leaving.cancel()
        budget.give(held)
        with pytest.raises(asyncio.CancelledError):
            await leaving
        assert await next_one == 10
        budget.give(10)
        assert budget.used == 0

    asyncio.run(play())
