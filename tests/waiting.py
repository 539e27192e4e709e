"""Waiting for a condition in a test, in place of sleeping for a guessed time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from tests.lab.machines.machine import DEADLINE

Held = TypeVar("Held")


def wait_until(holds: Callable[[], Held], what: str | Callable[[], object]) -> Held:
    """Look again and again until it holds, and return what it gave. If it never does, `what` is named."""
    late = time.monotonic() + DEADLINE
    while not (found := holds()):
        assert time.monotonic() < late, (
            f"not within {DEADLINE:.0f} s: {what if isinstance(what, str) else what()}"
        )
        time.sleep(0.02)
    return found
