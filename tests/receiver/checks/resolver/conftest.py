"""The loops that the receiver may have."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from receiver.loop.event_loop import new_loop


@pytest.fixture(params=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Any:
    """Runs a coroutine, on each of the loops that the receiver may have."""

    def run(work: Coroutine[Any, Any, None]) -> None:
        with asyncio.Runner(loop_factory=new_loop if request.param == "uvloop" else None) as runner:
            runner.run(work)

    return run
