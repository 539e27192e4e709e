"""Whether the hooks deliver: the unit of each runs, its target takes mail, and none was given up."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

from receiver.doctor.links import Link, from_json
from receiver.doctor.units import DEPLOY
from receiver.hooks import status
from receiver.hooks.configured import unit
from receiver.hooks.status import Configured, Status
from receiver.system import privileges

_LINK = "hooks"
LONGEST = 3600.0  # seconds that a message may wait


def check_hooks(mail: Path, configured: dict[str, Configured]) -> Link:
    """No hook is stopped or behind. A process without root looks, because hooks wrote what is read."""

    def look() -> dict[str, object]:
        return judge(status.read(mail, configured), time.time()).to_json()

    try:
        answer = privileges.ask_child(privileges.owner(mail), look)
    except OSError as error:
        return Link(_LINK, f"the queues cannot be read ({error.strerror})", look="letterbox hooks")
    return from_json(answer)


def judge(hooks: Iterable[Status], now: float) -> Link:
    """What is said of hooks that stand so: the first broken one, or else the first unknown one. Pure."""
    found = [(each, each.configured) for each in hooks]
    known = [(each, told) for each, told in found if told is not None]
    unknown: Link | None = None
    for each, told in known:
        name, logs = f"hook {each.name}", f"journalctl -u {unit(each.name)} -n 20"
        why = f": {each.last_error.text}" if each.last_error else ""
        if told.unit and told.unit != "active":
            restart = f"systemctl enable --now {unit(each.name)}; if it stays so: {DEPLOY}; {logs}"
            return Link(_LINK, f"{name}: {unit(each.name)} is {told.unit}", restart)
        if each.stopped:
            again = f"letterbox hooks --retry {each.name}, when its target takes mail again"
            return Link(_LINK, f"{name} is stopped: its target answered {each.stopped}", again)
        if each.dead:
            fix = f"letterbox hooks --retry {each.name} tries again; --drop {each.name} forgets"
            return Link(_LINK, f"{name} has given up {each.dead} message(s){why}", fix)
        if each.oldest is not None and now - each.oldest > LONGEST:
            hours = (now - each.oldest) / 3600
            fix = f"see that its target takes mail; {logs}; letterbox hooks --retry {each.name}"
            return Link(_LINK, f"{name}: {each.backlog} message(s) wait, for {hours:.0f} h{why}", fix)
        if each.unread or not told.unit:
            evidence = f"{name}: {each.unread or 'systemd does not say whether its unit runs'}"
            look = f"systemctl status {unit(each.name)}; {logs}; if its queue is missing: {DEPLOY}"
            unknown = unknown or Link(_LINK, evidence, look=look)
    orphans = [each for each, told in found if told is None]
    left = "".join(
        f"; hook {each.name} is not configured any more, and has {each.backlog + each.dead} message(s)"
        for each in orphans
    )
    waiting = sum(each.backlog for each, _ in known)
    return unknown or Link(_LINK, f"{len(known)} hook(s) run, {waiting} message(s) wait{left}")
