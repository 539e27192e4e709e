"""Waiting for seconds, counted down on a terminal."""

import math
import sys
import time
from collections.abc import Callable
from typing import TextIO


def count_down(
    seconds: float, *, stream: TextIO | None = None, sleep: Callable[[float], None] = time.sleep
) -> None:
    """Sleep so long; on a terminal with the seconds that are left, if it is one or more."""
    out = sys.stderr if stream is None else stream
    if seconds < 1 or not out.isatty():
        sleep(seconds)
        return
    sleep(seconds - math.floor(seconds))
    try:
        for left in range(math.floor(seconds), 0, -1):
            print(f"\r  {left} s left \x1b[K", end="", file=out, flush=True)
            sleep(1.0)
    finally:
        print("\r\x1b[K", end="", file=out, flush=True)
