"""Opening smtp (25/tcp) in the firewalld zones that mail arrives in, at run time and permanently.

Run time and permanent are two states that may differ, so each is set by itself. `--reload` would drop the
run-time rules of everybody else, and `--runtime-to-permanent` would keep them for ever.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pyinfra import context, logger
from pyinfra.api.command import StringCommand
from pyinfra.api.exceptions import DeployError
from pyinfra.api.host import Host

from provision.host.firewalld_state import Firewalld, Zone
from provision.host.observed import Observed
from provision.run.inventory import mail_host
from provision.run.step import Decision, observe, step

SMTP = ("25", "tcp")


@dataclass(frozen=True, slots=True)
class Opening:
    """A firewalld zone that mail arrives in, and why it is this one."""

    zone: str
    why: str


class UnknownZone(ValueError):
    """The inventory names a firewalld zone that this host does not have."""


def zones_for_mail(
    firewall: Firewalld, named: tuple[str, ...], default_interfaces: tuple[str, ...]
) -> tuple[Opening, ...]:
    """The firewalld zones to open.

    They are the zones that the inventory names. If it names none, they are those of the default routes'
    interfaces. If there is no default route, it is the default zone. Raises UnknownZone, with the zones that
    the host has, if it lacks one that is named.
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
        found.setdefault(zone, f"the zone of {interface}, which carries the default route")
    if not found:
        found[firewall.default_zone] = "the default zone; the host has no default route"
    return tuple(Opening(zone, why) for zone, why in found.items())


def admits_smtp(zone: Zone | None, firewall: Firewalld) -> bool:
    """Whether 25/tcp gets in, by its port or by the service `smtp` if that means 25/tcp on this host."""
    if zone is None:
        return False
    return SMTP in zone.ports or ("smtp" in zone.services and SMTP in firewall.smtp_ports)


def open_commands(firewall: Firewalld, openings: Iterable[Opening]) -> Iterator[StringCommand]:
    """Open smtp where it is not open, at run time and permanently, each by itself."""
    what = "--add-service=smtp" if SMTP in firewall.smtp_ports else "--add-port=25/tcp"
    for opening in openings:
        permanent = admits_smtp(firewall.permanent.get(opening.zone), firewall)
        if not firewall.running:
            if not permanent:
                yield StringCommand(f"firewall-offline-cmd -q --zone={opening.zone} {what}")
            continue
        if not permanent:
            yield StringCommand(f"firewall-cmd -q --permanent --zone={opening.zone} {what}")
        if not admits_smtp(firewall.runtime.get(opening.zone), firewall):
            yield StringCommand(f"firewall-cmd -q --zone={opening.zone} {what}")


def openings(host: Host, seen: Observed) -> tuple[Opening, ...]:
    """The firewalld zones to open on a host. Empty if firewalld neither runs nor starts at boot.

    Raises DeployError if the inventory names a zone that the host lacks, or if it names none and the default
    routes could not be read.
    """
    if not seen.firewalld.running and not seen.firewalld.enabled:
        return ()
    named = tuple(host.data.get("firewalld_zones") or ())
    if not named and seen.default_interfaces is None:
        raise DeployError(
            f"{host.name}: the firewalld zone that mail arrives in cannot be told, because `ip -json route` "
            "does not answer: install iproute (iproute2) on the host, or set firewalld_zones in the inventory"
        )
    try:
        return zones_for_mail(seen.firewalld, named, seen.default_interfaces or ())
    except UnknownZone as error:
        raise DeployError(f"{host.name}: {error}") from None


@step
def smtp_open() -> Decision:
    """25/tcp gets in, in the firewalld zones that mail arrives in, now and after a restart."""
    seen = observe()
    if not seen.firewalld.running and mail_host().firewalld == "running":
        # Only a dry run gets here. The step before has not started firewalld, so its zones are not known yet.
        return Decision([StringCommand("firewall-cmd --state")])
    zones = openings(context.host, seen)
    if not zones:
        state = "neither runs nor starts at boot" if seen.firewalld.installed else "is not installed"
        return Decision((), f"firewalld {state}, so it closes nothing")
    return Decision(
        open_commands(seen.firewalld, zones),
        "; ".join(f"25/tcp is open in {opening.zone} ({opening.why})" for opening in zones),
    )


def close_commands(firewall: Firewalld, openings: Iterable[Opening]) -> Iterator[StringCommand]:
    """Close smtp where `open_commands` opens it."""
    online = (("firewall-cmd -q --permanent", firewall.permanent), ("firewall-cmd -q", firewall.runtime))
    offline = (("firewall-offline-cmd -q", firewall.permanent),)
    service = "--remove-service=smtp" if firewall.running else "--remove-service-from-zone=smtp"
    for opening in openings:
        for command, state in online if firewall.running else offline:
            zone = state.get(opening.zone)
            if zone and "smtp" in zone.services:
                yield StringCommand(f"{command} --zone={opening.zone} {service}")
            if zone and SMTP in zone.ports:
                yield StringCommand(f"{command} --zone={opening.zone} --remove-port=25/tcp")


def left_open(firewall: Firewalld, openings: Iterable[Opening]) -> Iterator[str]:
    """A line for each other zone in which 25/tcp is open, with what closes it.

    An earlier inventory may have had it opened. But firewalld keeps no mark of who has opened what.
    """
    closed = {opening.zone for opening in openings}
    for name in sorted({*firewall.permanent, *firewall.runtime} - closed):
        commands = close_commands(firewall, [Opening(name, "")])
        if close := " && ".join(command.get_raw_value() for command in commands):
            yield (
                f"25/tcp stays open in firewalld's zone {name}: whether an earlier inventory had it opened "
                f"or somebody else did cannot be told. If nothing needs it, on the host: {close}"
            )


def prepare_removal() -> None:
    """Say in which other zones 25/tcp stays open, before anything is touched."""
    seen = observe()
    for line in left_open(seen.firewalld, openings(context.host, seen)):
        logger.warning(f"{context.host.print_prefix}{line}")


@step
def smtp_closed() -> Decision:
    """25/tcp is closed in the firewalld zones that the deploy opens it in."""
    seen = observe()
    return Decision(close_commands(seen.firewalld, openings(context.host, seen)), "25/tcp is closed")
