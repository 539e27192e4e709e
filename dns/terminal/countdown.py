"""Waiting for some seconds, with a countdown on a terminal."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable
from typing import TextIO

from dns.terminal.colour import is_live


def count_down(
    seconds: float, *, stream: TextIO | None = None, sleep: Callable[[float], None] = time.sleep
) -> None:
    """Sleep for this long. A terminal (stderr by default) shows how many seconds are left, from one on."""
    out = sys.stderr if stream is None else stream
    if seconds < 1 or not is_live(out):
        sleep(seconds)
        return
    sleep(seconds - math.floor(seconds))
    try:
        for left in range(math.floor(seconds), 0, -1):
            print(f"\r  {left} s left \x1b[K", end="", file=out, flush=True)
            sleep(1.0)
    finally:
        print("\r\x1b[K", end="", file=out, flush=True)
