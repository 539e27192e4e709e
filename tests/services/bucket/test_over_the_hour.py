"""A message that is tried again in the next hour, with a clock of the test's own."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable

import pytest

from receiver.bucket import keys
from receiver.bucket.keys import Below
from receiver.bucket.protocol import Put, Sender
from receiver.mailbox import Mailbox
from services.bucket import configuration, storing
from services.bucket.credentials import KeyPair
from services.bucket.engine import Engine
from services.bucket.storing import Kept, Storing
from tests.bucket.gateway import Fault, Gateway
from tests.bucket.seaweed import Engine as Seaweed
from tests.services.bucket.messages import content, copy, file_name

HOUR = 1795726800  # 2026-11-26 21:00 UTC
BEFORE, AFTER, LATE = HOUR - 60.0, HOUR + 60.0, HOUR + 1000.0


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine, the store may need longer to say what it has of the hour before."""
    monkeypatch.setattr(storing, "_LOOK_BACK", 12.0)


class Hours:
    """Stores one message at times of the test's own."""

    def __init__(self, gate: Gateway, seaweed: Seaweed, message: bytes) -> None:
        self.now = 0.0
        url = f"{gate.url('mail')}/{secrets.token_hex(4)}"
        settings = configuration.parse({"urls": [url], "allow_http": True})
        self.engine = Engine(settings, KeyPair(seaweed.key, seaweed.secret))
        self._storing = Storing(self.engine, lambda: self.now)
        self._message = message
        self._bob = copy(Mailbox("example.com", "bob"))

    async def store(self, now: float, sender: Sender = "unknown") -> Kept:
        self.now = now
        below = Below()
        below.add(self._message)
        put = Put(file_name(), sender, [self._bob], 0, len(self._message))
        (kept,) = await self._storing.store(put, self._message, below, asyncio.get_running_loop().time() + 14)
        return kept

    async def objects(self) -> list[str]:
        """The hour and the end of each key."""
        pages = [await self.engine.gateways[0].page(f"{keys.hour(at)}/", "") for at in (BEFORE, AFTER)]
        return [f"{each.key[11:13]} {each.key[-1] == 'A'}" for page in pages for each in page]


def run(gate: Gateway, engine: Seaweed, play: Callable[[Hours], Awaitable[None]]) -> None:
    async def start() -> None:
        await play(Hours(gate, engine, content()))

    asyncio.run(start())


@pytest.mark.usefixtures("patience")
def test_a_retry_within_a_quarter_of_an_hour_is_one_object(gate: Gateway, engine: Seaweed) -> None:
    async def play(hours: Hours) -> None:
        first = await hours.store(BEFORE)
        again = await hours.store(AFTER)
        assert again == Kept(first.tail, was_there=True)
        assert await hours.objects() == ["20 False"]

    run(gate, engine, play)


def test_a_later_retry_is_another_object_with_the_same_tail(gate: Gateway, engine: Seaweed) -> None:
    async def play(hours: Hours) -> None:
        first = await hours.store(BEFORE)
        assert (await hours.store(LATE)).tail == first.tail
        assert await hours.objects() == ["20 False", "21 False"]

    run(gate, engine, play)


@pytest.mark.usefixtures("patience")
def test_an_authentic_copy_is_kept_beside_a_forged_one_of_the_hour_before_once(
    gate: Gateway, engine: Seaweed
) -> None:
    async def play(hours: Hours) -> None:
        await hours.store(BEFORE, "forged")
        for _ in range(2):
            assert (await hours.store(AFTER, "authentic")).tail.endswith("A")
        assert await hours.objects() == ["20 False", "21 True"]

    run(gate, engine, play)


@pytest.mark.usefixtures("patience")
def test_an_authentic_copy_of_the_hour_before_is_not_kept_again(gate: Gateway, engine: Seaweed) -> None:
    async def play(hours: Hours) -> None:
        await hours.store(BEFORE, "forged")
        await hours.store(BEFORE, "authentic")
        assert (await hours.store(AFTER, "authentic")).was_there
        assert await hours.objects() == ["20 False", "20 True"]

    run(gate, engine, play)


@pytest.mark.parametrize("fault", [Fault.ERROR, Fault.HANG, Fault.BAD_KEY], ids=lambda each: each.name)
def test_no_answer_about_the_hour_before_hinders_nothing(
    gate: Gateway, engine: Seaweed, fault: Fault
) -> None:
    async def play(hours: Hours) -> None:
        gate.every(fault, "HEAD")
        assert not (await hours.store(AFTER)).was_there
        gate.heal()
        assert await hours.objects() == ["21 False"]

    run(gate, engine, play)


def test_nothing_is_asked_about_the_hour_before_later_in_the_hour(gate: Gateway, engine: Seaweed) -> None:
    async def play(hours: Hours) -> None:
        seen = gate.seen["HEAD"]
        await hours.store(LATE)
        assert gate.seen["HEAD"] == seen

    run(gate, engine, play)
