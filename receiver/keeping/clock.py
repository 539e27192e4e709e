"""Until when the clock is believed. A clock that is years ahead must not remove all mail.

Each run notes the time up to which it believed the clock, and for how long the machine had been up. Until the
next run, twice the time that really passed is believed, and no more. The kernel knows what really passed in
one boot, whatever happens to the clock (CLOCK_BOOTTIME of clock_gettime(2)). Of the time before a boot it
knows nothing, so a day is believed. Without a note, the folders say when something was last written, and a
day more is believed.

If the clock is right and the host was off for long, the date therefore follows by a day for each day, and
mail goes late. A clock that is behind removes less than it might.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from receiver.keeping.age import DAY

FOLDER = ".keep"  # in the mail folder
_FILE = "state.json"
_LONGEST = 4096  # octets


@dataclass(frozen=True, slots=True)
class Reading:
    """The clocks at one moment: seconds since 1970, the boot (random_boot_id), and seconds since the boot."""

    at: float
    boot: str
    uptime: float


def read_clocks() -> Reading:
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return Reading(time.time(), boot, time.clock_gettime(time.CLOCK_BOOTTIME))


def believed(now: Reading, last: Reading | None, written: float) -> float:
    """The time by which messages are judged, in seconds since 1970. Never later than `now`.

    `last` is the note of the last run. `written` is when something was last written in the mail folder.
    """
    if last is None:
        return min(now.at, written + DAY)
    same_boot = last.boot == now.boot and now.uptime >= last.uptime
    passed = now.uptime - last.uptime if same_boot else now.uptime
    return min(now.at, last.at + 2 * passed + (0 if same_boot else DAY))


def next_note(now: Reading, last: Reading | None, until: float) -> Reading:
    """The note of a run that believed the clock up to `until`. It never goes back."""
    return last if last is not None and last.at > until else Reading(until, now.boot, now.uptime)


def last_written(paths: Iterable[Path]) -> float:
    """When the newest of these paths was last changed (st_ctime of stat(2)), or 0 if there is none."""
    newest = 0.0
    for path in paths:
        with contextlib.suppress(OSError):
            newest = max(newest, path.lstat().st_ctime)
    return newest


def read_note(mail: Path) -> Reading | None:
    """The note of the last run. None if there is none that can be read."""
    try:
        fd = os.open(mail / FOLDER / _FILE, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(fd, "rb") as file:
            table = json.loads(file.read(_LONGEST))
        note = Reading(float(table["at"]), str(table["boot"]), float(table["uptime"]))
    except (OSError, ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None
    return note if math.isfinite(note.at) and math.isfinite(note.uptime) else None


def write_note(mail: Path, note: Reading) -> None:
    """Write the note, atomically and durably. Raises OSError."""
    path = mail / FOLDER / _FILE
    part = path.with_suffix(".new")
    with part.open("w") as file:
        file.write(json.dumps(asdict(note)) + "\n")
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
