"""The unit that renews the certificate, on a host that has it: when it ran last, and what came of that."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from receiver.doctor.links import Link
from receiver.doctor.units import properties

UNIT = Path("/etc/systemd/system/letterbox-certificate.service")
TIMER = "letterbox-certificate.timer"
STATE = Path("/var/lib/letterbox-certificate")
_LINK = "renewal"
_AGAIN = f"systemctl start {UNIT.name}"
_LOOK = f"journalctl -u {UNIT.name}"
# Between two runs: the timer starts one every 6 hours, with up to 6 hours more.
_LONGEST = timedelta(hours=24)
_LARGEST = 64 * 1024  # octets of the state that are read


def check_renewal(state: Path = STATE / "state.json", now: datetime | None = None) -> Link:
    """The timer runs, and the last run did what was due. The evidence has its outcome in its own words.

    The state is the other unit's, and holds words of a certificate authority. So the process that calls this
    should have no rights.
    """
    timer = properties(TIMER)
    if (timer.get("ActiveState"), timer.get("UnitFileState")) != ("active", "enabled"):
        return Link(_LINK, f"{TIMER} does not run", f"systemctl enable --now {TIMER}")
    return judge(state, now or datetime.now(UTC))


def judge(path: Path, now: datetime) -> Link:
    """What the state of the last run says."""
    try:
        with path.open("rb") as file:
            kept = json.loads(file.read(_LARGEST))
        at = datetime.fromisoformat(kept["at"])
        outcome, succeeded = str(kept["outcome"]), kept["succeeded"] is True
        due = datetime.fromisoformat(kept["next_due"]) if kept.get("next_due") else None
        since = now - at
    except FileNotFoundError:
        return Link(_LINK, "it has not run yet", _AGAIN)
    except (OSError, ValueError, KeyError, TypeError) as error:
        return Link(_LINK, f"{path} cannot be read ({error})", _AGAIN)
    if not succeeded:
        return Link(_LINK, f"the run of {at:%Y-%m-%d %H:%M} UTC failed: {outcome}", f"{_AGAIN}; see {_LOOK}")
    if since > _LONGEST:
        return Link(_LINK, f"the last run was at {at:%Y-%m-%d %H:%M} UTC", f"{_AGAIN}; see {_LOOK}")
    then = f"; next due at {due:%Y-%m-%d %H:%M} UTC" if due and "due at" not in outcome else ""
    return Link(_LINK, f"{at:%Y-%m-%d %H:%M} UTC: {outcome}{then}")


def is_there() -> bool:
    """Whether this host renews its certificate."""
    return UNIT.exists()


def may_own(certificate: Path, owner: int) -> bool:
    """Whether the certificate is the unit's own file, which belongs to its user."""
    place = certificate.resolve()
    return place.is_relative_to(STATE) and owner == STATE.stat().st_uid
