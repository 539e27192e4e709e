"""Running `letterbox` as a process: its folder and environment, and waiting for a condition."""

from __future__ import annotations

import os
from pathlib import Path

from tests.waiting import wait_until as wait_until

ROOT = Path(__file__).parents[2]
DEADLINE = 60.0  # seconds that a single step may take on a slow machine


def ended(process: int) -> bool:
    """Whether the process and all its threads have ended, or only wait for the parent to collect them."""
    try:
        stats = [each.read_text() for each in Path(f"/proc/{process}/task").glob("*/stat")]
    except (FileNotFoundError, ProcessLookupError):
        return False  # A thread ended just now, so the caller has to look again.
    return all(stat.rpartition(")")[2].split()[0] in "ZX" for stat in stats)


def environment() -> dict[str, str]:
    """The variables of this process, without those that a service manager gave it."""
    return {key: value for key, value in os.environ.items() if key not in ("NOTIFY_SOCKET", "LISTEN_FDS")}
