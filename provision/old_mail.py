"""The timer that removes old mail every day, on hosts whose inventory says how long mail is kept.

It runs `letterbox keep` of the receiver's own release, and is no part of a generation. Its service is the
first file that is written and the last one that is removed, so a run that was cut off is seen by the next
one.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

from pyinfra.api.command import StringCommand

from provision.desired.files import sha256, unit_commands
from provision.host import layout
from provision.host.observed import Observed
from provision.host.timer import TimedService
from provision.run.inventory import inventory
from provision.run.step import Decision, observe, step

_FILES = Path(__file__).resolve().parents[1] / "files"
_SERVICE, _TIMER = layout.KEEP_SERVICE, layout.KEEP_TIMER


def commands(seen: Observed, *, wanted: bool) -> Iterator[StringCommand]:
    """Make what is missing, or take all of it away."""
    if not wanted:
        if seen.keep is not None:
            yield _removal()
        return
    now, changed = seen.keep or TimedService(), False
    for name, there in ((_SERVICE, now.service), (_TIMER, now.timer)):
        text = (_FILES / name).read_text()
        if there != sha256(text):
            changed = True
            yield from unit_commands(seen, name, text)
    if changed or now.needs_reload:
        yield StringCommand("systemctl daemon-reload")
    if not now.runs:
        yield StringCommand(f"systemctl enable -q --now {_TIMER}")
    elif changed:
        yield StringCommand(f"systemctl restart {_TIMER}")


def _removal() -> StringCommand:
    shell = f"""\
set -u
systemctl disable -q --now {_TIMER}
systemctl stop {_SERVICE}
rm -f {layout.UNIT_FOLDER}/{_TIMER} /var/lib/systemd/timers/stamp-{_TIMER}
rm -f {layout.UNIT_FOLDER}/{_SERVICE}
systemctl daemon-reload"""
    return StringCommand("sh -c", shlex.quote(shell))


@step
def removed_daily() -> Decision:
    """The timer is there if any mail is to be removed, and gone if not."""
    wanted = any(domain.keep for domain in inventory().domains)
    otherwise = "the timer is as it should be" if wanted else "all mail is kept"
    return Decision(commands(observe(), wanted=wanted), otherwise)


@step
def removed() -> Decision:
    """The timer is gone."""
    return Decision(commands(observe(), wanted=False), "there is no timer that removes mail")
