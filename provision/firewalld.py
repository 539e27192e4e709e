"""Opening smtp (25/tcp) in the firewalld zones that mail arrives in, at run time and permanently.

Run time and permanent are two states that may differ, and each is set by itself: `--reload` would drop the
run-time rules of everybody else, `--runtime-to-permanent` would keep them for ever.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pyinfra import context
from pyinfra.api.command import StringCommand
from pyinfra.api.exceptions import DeployError
from pyinfra.api.host import Host
from pyinfra.api.operation import operation

from provision.desired.state import desired
from provision.host.firewalld_state import Firewalld, Zone
from provision.host.observed import Observed
from provision.step import Commands, changes, observe

SMTP = ("25", "tcp")


@dataclass(frozen=True, slots=True)
class Opening:
    """A zone that mail arrives in, and why it is this one."""

    zone: str
    why: str


class UnknownZone(ValueError):
    """The inventory names a zone that this host does not have."""


def zones_for_mail(
    firewall: Firewalld, named: tuple[str, ...], default_interfaces: tuple[str, ...]
) -> tuple[Opening, ...]:
    """The zones to open: those the inventory names, else those of the default routes' interfaces, else the
    default zone.

    Raises:
        UnknownZone: a named zone is not on the host; the message lists those that are.
    """
    if named:
        unknown = [zone for zone in named if zone not in firewall.known_zones]
        if unknown:
            raise UnknownZone(
                f"firewalld has no zone {', '.join(unknown)}: firewalld_zones may name "
                f"{', '.join(sorted(firewall.known_zones))}"
            )
        return tuple(Opening(zone, "named in the inventory") for zone in dict.fromkeys(named))
    found: dict[str, str] = {}
    for interface in default_interfaces:
        zone = firewall.zone_of_interface.get(interface, firewall.default_zone)
        found.setdefault(zone, f"zone of {interface}, which carries the default route")
    if not found:
        found[firewall.default_zone] = "default zone; the host has no default route"
    return tuple(Opening(zone, why) for zone, why in found.items())


def admits_smtp(zone: Zone | None, firewall: Firewalld) -> bool:
    """Whether 25/tcp gets in: by the service `smtp`, if that still means 25/tcp here, or by its port."""
    if zone is None:
        return False
    return SMTP in zone.ports or ("smtp" in zone.services and SMTP in firewall.smtp_ports)


def commands_to_open(firewall: Firewalld, openings: Iterable[Opening]) -> Iterator[str]:
    """`firewall-cmd` calls that open smtp where it is not open; run time and permanent, each by itself."""
    what = "--add-service=smtp" if SMTP in firewall.smtp_ports else "--add-port=25/tcp"
    for opening in openings:
        if not firewall.running:
            if not admits_smtp(firewall.permanent.get(opening.zone), firewall):
                yield f"firewall-offline-cmd -q --zone={opening.zone} {what}"
            continue
        if not admits_smtp(firewall.permanent.get(opening.zone), firewall):
            yield f"firewall-cmd -q --permanent --zone={opening.zone} {what}"
        if not admits_smtp(firewall.runtime.get(opening.zone), firewall):
            yield f"firewall-cmd -q --zone={opening.zone} {what}"


def openings(host: Host, seen: Observed) -> tuple[Opening, ...]:
    """The zones to open on a host; none where no firewalld runs or will, since nothing is closed then.

    Raises:
        DeployError: the inventory names a zone that the host does not have, or names none and the default
            routes could not be read.
    """
    if not seen.firewalld.running and not seen.firewalld.enabled:
        return ()
    named = tuple(host.data.get("firewalld_zones") or ())
    if not named and seen.default_interfaces is None:
        raise DeployError(
            f"{host.name}: which firewalld zone mail arrives in cannot be told, `ip -json route` does not "
            "answer: install iproute (iproute2) on the host, or set firewalld_zones in the inventory"
        )
    try:
        return zones_for_mail(seen.firewalld, named, seen.default_interfaces or ())
    except UnknownZone as error:
        raise DeployError(f"{host.name}: {error}") from None


def start_commands(seen: Observed, wanted: str) -> Iterator[StringCommand]:
    """What makes firewalld run where the inventory wants it to; the way in by ssh is opened before."""
    if wanted != "running" or seen.firewalld.running:
        return
    yield StringCommand("systemctl unmask -q firewalld")
    ssh = "--add-service=ssh" if seen.ssh_port == "22" else f"--add-port={seen.ssh_port}/tcp"
    yield StringCommand(f'firewall-offline-cmd -q --zone="$(firewall-offline-cmd --get-default-zone)" {ssh}')
    yield StringCommand("systemctl enable -q --now firewalld")


@operation()
def running() -> Commands:
    """firewalld runs, if the inventory says so; else it is left as it is."""
    seen, wanted = observe(), desired().host.firewalld
    state = "runs" if seen.firewalld.running else "does not run, and is left so"
    yield from changes(start_commands(seen, wanted), f"firewalld {state}")


@operation()
def smtp_open() -> Commands:
    """25/tcp gets in, in the zones that mail arrives in, now and after a restart; nothing else is touched."""
    seen = observe()
    if not seen.firewalld.running and desired().host.firewalld == "running":
        # Seen only by a dry run, before the step that starts it: its zones cannot be asked yet.
        yield StringCommand("firewall-cmd --state")
        return
    zones = openings(context.host, seen)
    if not zones:
        state = (
            "is installed but neither runs nor will at boot"
            if seen.firewalld.installed
            else "is not installed"
        )
        context.host.noop(f"firewalld {state}: it closes nothing")
        return
    needed = (StringCommand(command) for command in commands_to_open(seen.firewalld, zones))
    yield from changes(needed, "; ".join(f"25/tcp is open in {o.zone} ({o.why})" for o in zones))
