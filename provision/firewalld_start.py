"""Starting firewalld where the inventory wants it to run, without locking out who starts it.

Port and zone by which this ssh session came in are opened before. A timer on the host stops firewalld again,
unless a second connection proves in time that ssh still gets in. The timer is systemd's, so it works however
this run ends.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from pyinfra import logger
from pyinfra.api.command import FunctionCommand, StringCommand
from pyinfra.api.exceptions import ConnectError
from pyinfra.api.host import Host
from pyinfra.api.state import State

from provision.host.observed import Observed
from provision.inventory import mail_host
from provision.step import Command, Decision, observe, step

PATIENCE = 90
"""Seconds after which the timer stops firewalld."""
UNDO = "letterbox-firewalld-undo"
"""The transient timer and service of systemd-run(1)."""


def start_commands(seen: Observed, wanted: str) -> Iterator[Command]:
    """Start firewalld if the inventory wants it to run, and prove that ssh still gets in."""
    if wanted != "running" or seen.firewalld.running:
        return
    before = "systemctl disable -q --now firewalld"
    if seen.firewalld.masked:
        before += "; systemctl mask -q firewalld"
    shell = (
        f"systemctl stop {UNDO}.timer {UNDO}.service 2>/dev/null",
        f"systemd-run -q --unit={UNDO} --on-active={PATIENCE} --timer-property=AccuracySec=1s "
        f"sh -c {shlex.quote(before)} || exit 1",
        f"{{ systemctl unmask -q firewalld && {open_ssh(seen)} && systemctl enable -q --now firewalld; }} || "
        f"{{ journalctl -u firewalld -n 10 --no-pager -o cat >&2; systemctl start {UNDO}.service; exit 1; }}",
        # systemd calls it started before its rules hold. A connection in between would prove nothing.
        "for try in $(seq 100); do firewall-cmd -q --state && break; sleep 0.2; done",
    )
    yield StringCommand("sh -c", shlex.quote("; ".join(shell)))
    yield FunctionCommand(connect_again, (), {})
    runs = "systemctl is-active -q firewalld"
    late = "echo 'firewalld was stopped again, because ssh did not get in for a while: deploy again' >&2"
    yield StringCommand(f"systemctl stop {UNDO}.timer; {runs} || {{ {late}; false; }}")


def open_ssh(seen: Observed) -> str:
    """Shell that opens the port of this session in its zone, permanently: firewalld is not running yet.

    The zone is that of the client's address, that of the interface with the host's address, or the default
    zone, in this order, which is firewalld's own.
    """
    ask, zone = "firewall-offline-cmd", []
    if seen.ssh.client:
        zone.append(f"{ask} --get-zone-of-source={seen.ssh.client}")
    if seen.ssh.server:
        find = f"ip -o address show | grep -F ' {seen.ssh.server}/' | cut -d' ' -f2 | head -1"
        zone.append(f'{ask} --get-zone-of-interface="$({find})"')
    zone.append(f"{ask} --get-default-zone")
    what = "--add-service=ssh" if seen.ssh.port == "22" else f"--add-port={seen.ssh.port}/tcp"
    # firewall-offline-cmd prints "no zone" for what is in none.
    found = " || ".join(f"{{ {each} 2>/dev/null | grep -vx 'no zone'; }}" for each in zone)
    return f'zone="$({found})" && {ask} -q --zone="$zone" {what}'


def connect_again(state: State, host: Host) -> bool:
    """Connect anew, as pyinfra did at first. The connection that there is may outlive a closed port."""
    host.disconnect()
    try:
        host.connect(show_errors=False, raise_exceptions=True)
    except (ConnectError, OSError, EOFError) as error:
        host.log_styled(
            f"firewalld is started, and ssh no longer gets in ({error}): within {PATIENCE} s the host stops "
            "firewalld again by itself. Open the port of ssh in its zone (`firewall-offline-cmd --zone=ZONE "
            "--add-service=ssh`), and deploy again",
            fg="red",
            log_func=logger.error,
        )
        return False
    return True


@step
def running() -> Decision:
    """firewalld runs, if the inventory says so. Otherwise it is left as it is."""
    seen = observe()
    state = "runs" if seen.firewalld.running else "does not run, and is left as it is"
    return Decision(start_commands(seen, mail_host().firewalld), f"firewalld {state}")
