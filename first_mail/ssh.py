"""Running a program on an inventory's host over ssh, as root, with the inventory's ssh settings."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path

from dns.errors import HostUnreadable
from dns.host_addresses import ssh_arguments
from dns.inventory import InventoryError, MailHost, load

__all__ = ["HostUnreadable", "as_root", "hosts_named", "run"]


def as_root(host: MailHost, command: Sequence[str]) -> list[str]:
    """The ssh command that runs this on the host as root, through `sudo -n` where another user connects."""
    line = shlex.join(command)
    script = f"if [ $(id -u) -eq 0 ]; then exec {line}; else exec sudo -n {line}; fi"
    return [*ssh_arguments(host.name, host.ssh), f"exec sh -c {shlex.quote(script)}"]


def run(
    host: MailHost, command: Sequence[str], *, seconds: float, stdin: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Run it to its end. Raises HostUnreadable with ssh's own reason where the host cannot be reached."""
    try:
        done = subprocess.run(
            as_root(host, command),
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
    except FileNotFoundError:
        raise HostUnreadable(f"host {host.name}: there is no ssh on this machine: install OpenSSH") from None
    except subprocess.TimeoutExpired:
        raise HostUnreadable(f"host {host.name}: no end of {command[0]} in {seconds:g} s") from None
    if done.returncode == 255:
        raise HostUnreadable(unreachable(host, done.stderr))
    return done


def unreachable(host: MailHost, stderr: str) -> str:
    """One line from what ssh said."""
    lines = stderr.strip().splitlines()
    reason = lines[-1].strip() if lines else "ssh said nothing"
    return f"host {host.name}: cannot be reached over ssh ({reason}): see that `ssh {host.name}` works"


def hosts_named(inventory: Path, names: Sequence[str]) -> tuple[MailHost, ...]:
    """The inventory's hosts of these names; all without one. Raises InventoryError."""
    hosts = load(inventory).hosts
    unknown = [name for name in names if name not in {host.name for host in hosts}]
    if unknown:
        known = ", ".join(host.name for host in hosts)
        raise InventoryError(f"host {unknown[0]} is not in {inventory}: it has {known}")
    return tuple(host for host in hosts if not names or host.name in names)
