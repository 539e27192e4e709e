"""The heartbeat, on a host that has it: when it ran last, what it found, and whether the switch knows."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path

from receiver.doctor.links import Link
from receiver.doctor.units import DEPLOY, properties

UNIT = Path("/etc/systemd/system/letterbox-heartbeat.service")
TIMER = "letterbox-heartbeat.timer"
SOCKET = "letterbox-heartbeat-look.socket"
STATE = Path("/var/lib/letterbox-heartbeat/state.json")
_LINK = "heartbeat"
_AGAIN = f"systemctl start {UNIT.name}"
_LOOK = f"journalctl -u {UNIT.name} -n 5"
_LONGEST = 15 * 60  # seconds between two runs: the timer starts one every five minutes
_LARGEST = 64 * 1024  # octets of the state that are read


def is_there() -> bool:
    """Whether this host has a heartbeat."""
    return UNIT.exists()


def check_heartbeat(state: Path = STATE, now: float | None = None) -> Link:
    """The timer and the socket run, the last run found all well, and the switch was told.

    The state holds words of the switch's server. So the process that calls this should have no rights.
    """
    for unit in (TIMER, SOCKET):
        found = properties(unit)
        if (found.get("ActiveState"), found.get("UnitFileState")) != ("active", "enabled"):
            return Link(_LINK, f"{unit} does not run", f"systemctl enable --now {unit}")
    return judge(state, time.time() if now is None else now)


def judge(path: Path, now: float) -> Link:
    """What the state of the last run says."""
    try:
        with path.open("rb") as file:
            kept = json.loads(file.read(_LARGEST))
        at, pinged = float(kept["at"]), float(kept["pinged"])
        reason, error = str(kept["reason"]), str(kept["ping_error"])
        well = kept["well"] is True
        last = f"last ping {_time(pinged)}" if pinged else "no ping yet"
        ran = _time(at)
    except FileNotFoundError:
        return Link(_LINK, "it has not run yet", _AGAIN)
    except (OSError, ValueError, KeyError, TypeError, OverflowError) as problem:
        return Link(_LINK, f"{path} cannot be read ({problem})", _AGAIN)
    if error:
        fix = f"{_AGAIN}; if the address is wrong, correct it and {DEPLOY}; see {_LOOK}"
        return Link(_LINK, f"the run of {ran} could not tell the switch: {error}; {last}", fix)
    if not well:
        return Link(_LINK, f"the run of {ran} found: {reason}; {last}", f"mend that, then {_AGAIN}")
    if not -_LONGEST < now - at < _LONGEST:
        return Link(_LINK, f"the last run was at {ran}; {last}", f"{_AGAIN}; see {_LOOK}")
    return Link(_LINK, f"{last}; {reason}")


def _time(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"
