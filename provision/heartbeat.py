"""The heartbeat of a host: its units, its program, its user, and the address of the dead-man's switch.

It is no part of a generation. Its service is the first file that is written and the last one that is removed,
so a run that was cut off is seen by the next one. The address is a secret: it comes over the standard input
of a command, lies on the host encrypted for systemd, and is in no command, no log and no plan.
"""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Iterator

from pyinfra import logger
from pyinfra.api.command import FunctionCommand, StringCommand
from pyinfra.api.exceptions import DeployError
from pyinfra.api.host import Host
from pyinfra.api.state import State

from dns.inventory.host_heartbeat import url_problem, variable
from provision.desired import archive
from provision.desired.archive import Platform
from provision.desired.credential import encrypted
from provision.desired.files import sha256, unit_commands
from provision.desired.heartbeat import Wanted, box_of, unit_texts
from provision.host import layout
from provision.host.observed import Observed
from provision.host.services.heartbeat import UNITS, Heartbeat
from provision.release import program_commands
from provision.run.inventory import inventory, mail_host
from provision.run.step import Command, Decision, observe, step, untouched

CREDENTIAL = "heartbeat"
_USER = layout.HEARTBEAT_USER
_STARTED = f"{layout.HEARTBEAT_TIMER} {layout.HEARTBEAT_LOOK_SOCKET}"


def prepare() -> None:
    """Look at the address of the switch before anything is touched. Raises DeployError."""
    host, seen = mail_host(), observe()
    if host.heartbeat is None:
        return
    name = variable(host.hostname)
    given = os.environ.get(name, "").strip()
    if given and (problem := url_problem(given)):
        raise DeployError(untouched([f"{name} {problem}"]))
    if not given and not host.heartbeat.secret and not (seen.heartbeat and seen.heartbeat.address):
        said = f"heartbeat is True, and the host has no address of a switch yet: deploy with it in {name}"
        raise DeployError(untouched([said]))


def _wanted(seen: Observed) -> Wanted | None:
    """What the host should have. None: nothing of it."""
    host = mail_host()
    if host.heartbeat is None:
        return None
    box = box_of(inventory().domains[0].name)
    program = archive.digest(Platform(seen.python, seen.machine), archive.HEARTBEAT)
    given = os.environ.get(variable(host.hostname), "").strip()
    return Wanted(unit_texts(box), program, box, given or host.heartbeat.secret or None)


def commands(seen: Observed, wanted: Wanted | None) -> Iterator[Command]:
    """Make what is missing, or take all of it away. Raises DeployError if the program cannot be built."""
    now = seen.heartbeat or Heartbeat()
    if wanted is None:
        if seen.heartbeat is not None:
            yield removal()
        return
    changed = [name for name in UNITS if now.units.get(name) != sha256(wanted.units[name])]
    for name in changed[:1] if layout.HEARTBEAT_SERVICE in changed else ():
        yield from unit_commands(seen, name, wanted.units[name])
    if not now.has_user:
        yield StringCommand(
            f"useradd --system --user-group --home-dir {layout.HEARTBEAT_STATE} --no-create-home "
            f"--shell /usr/sbin/nologin --comment 'Letterbox heartbeat' {_USER}"
        )
    if now.program != wanted.program:
        yield from program_commands(
            seen, archive.HEARTBEAT, wanted.program, into=layout.HEARTBEAT_PROGRAM, called="the heartbeat"
        )
    new_address = wanted.secret is not None and now.address != sha256(wanted.secret)
    if wanted.secret is not None and new_address:
        yield encrypted(layout.HEARTBEAT_ADDRESS, CREDENTIAL, wanted.secret)
    if wanted.box not in now.boxes:
        made = "umask 077; mkdir -p " + " ".join(f"{wanted.box}/{part}" for part in ("cur", "new", "tmp"))
        yield StringCommand(f"runuser -u {layout.USER} -- sh -c {shlex.quote(made)}")
    for name in changed:
        if name != layout.HEARTBEAT_SERVICE:
            yield from unit_commands(seen, name, wanted.units[name])
    if changed or now.needs_reload:
        yield StringCommand("systemctl daemon-reload")
    if not now.runs or set(changed) & {layout.HEARTBEAT_TIMER, layout.HEARTBEAT_LOOK_SOCKET}:
        yield StringCommand(f"systemctl enable -q {_STARTED} && systemctl restart {_STARTED}")
    if changed or new_address or now.program != wanted.program:
        yield FunctionCommand(start, (), {})


def removal() -> StringCommand:
    """Take the units, the program, the address, the user and the Maildirs of test messages away."""
    others = " ".join(f"{layout.UNIT_FOLDER}/{name}" for name in UNITS if name != layout.HEARTBEAT_SERVICE)
    shell = f"""\
set -u
cd /
systemctl disable -q --now {_STARTED}
systemctl stop {layout.HEARTBEAT_SERVICE} 'letterbox-heartbeat-look@*' 'letterbox-heartbeat-failed@*'
if id -u {_USER} >/dev/null 2>&1; then userdel {_USER}; fi
if id -u {layout.USER} >/dev/null 2>&1 && [ -d {layout.MAIL} ]; then
  runuser -u {layout.USER} -- find {layout.MAIL} -mindepth 2 -maxdepth 2 -type d -name .heartbeat \
    -exec rm -rf {{}} +
fi
rm -rf {layout.HEARTBEAT_PROGRAM} {layout.HEARTBEAT_STATE} {layout.HEARTBEAT_ADDRESS} \
  {layout.HEARTBEAT_ADDRESS}.* {others}
rm -f {layout.UNIT_FOLDER}/{layout.HEARTBEAT_SERVICE}
systemctl daemon-reload
systemctl reset-failed 'letterbox-heartbeat*' 2>/dev/null || true"""
    return StringCommand("sh -c", shlex.quote(shell))


def start(state: State, host: Host) -> bool:
    """Let it run once now. If something is not well, that is said, and the deploy goes on."""
    state_file = f"{layout.HEARTBEAT_STATE}/state.json"
    command = f"systemctl start {layout.HEARTBEAT_SERVICE} || {{ cat {state_file}; exit 1; }}"
    done, output = host.run_shell_command(
        StringCommand("sh -c", shlex.quote(command)), _sudo=bool(host.data.get("_sudo"))
    )
    if not done:
        try:
            kept = json.loads("\n".join(output.stdout_lines))
            why = "; ".join(filter(None, (str(kept["reason"]), str(kept["ping_error"]))))
        except (ValueError, KeyError, TypeError):
            why = f"see `journalctl -u {layout.HEARTBEAT_SERVICE}` on the host"
        logger.warning(
            f"{host.print_prefix}the heartbeat runs, and its first ping did not say that all is well: {why}"
        )
    return True


@step
def there() -> Decision:
    """The heartbeat is there if the inventory wants it, and gone if not."""
    seen = observe()
    wants = mail_host().heartbeat is not None
    otherwise = "the heartbeat is as it should be" if wants else "the inventory wants no heartbeat"
    return Decision(commands(seen, _wanted(seen)), otherwise)


@step
def removed() -> Decision:
    """There is no heartbeat."""
    return Decision(commands(observe(), None), "there is no heartbeat")
