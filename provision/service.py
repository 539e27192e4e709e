"""The units, and a service that runs exactly what is in place.

A restart is decided from the host, never from what this run changed. The running process has the name of the
generation that it was started with in its environment, and is restarted if that is not the wanted one. The
socket is systemd's and stays open meanwhile, so a restart refuses no connection.
"""

from __future__ import annotations

from collections.abc import Iterator

from pyinfra.api.command import StringCommand

from provision import generation
from provision.desired.files import Text, text_commands
from provision.desired.state import Desired, desired
from provision.host import layout
from provision.host.observed import Observed
from provision.step import Decision, observe, step


def unit_commands(seen: Observed, wanted: Desired) -> Iterator[StringCommand]:
    """Write the units that differ. Make systemd read them, also those of an earlier run that was cut off."""
    needed = [
        command
        for name, text in wanted.units.items()
        for command in text_commands(seen, Text(f"{layout.UNIT_FOLDER}/{name}", text, "root", "root", "644"))
    ]
    yield from needed
    if needed or any(unit.needs_reload for unit in seen.units.values()):
        yield StringCommand("systemctl daemon-reload")


@step
def units() -> Decision:
    """letterbox.socket and letterbox.service, known to systemd."""
    return Decision(unit_commands(observe(), desired()), "the units are as they should be")


def service_commands(seen: Observed, wanted: Desired) -> Iterator[StringCommand]:
    """Enable, start or restart whatever is not enabled, not running, or not of the wanted generation."""
    socket, service = (seen.units.get(name) for name in layout.UNITS)
    if not (socket and socket.enabled and service and service.enabled):
        yield StringCommand(f"systemctl enable -q {' '.join(layout.UNITS)}")
    if not (socket and socket.active == "active"):
        # systemd opens a socket only while its service is down.
        yield StringCommand(f"systemctl stop {layout.SERVICE_UNIT}; systemctl start {layout.SOCKET_UNIT}")
    name = f"LETTERBOX_GENERATION={wanted.generation}\n"
    yield from text_commands(seen, Text(layout.GENERATION, name, "root", "root", "644"))
    greets = any((one.code, one.name) == (220, wanted.host.hostname) for one in seen.greetings.values())
    if seen.running_generation != wanted.generation or not greets:
        yield generation.start_or_return(seen, wanted)
    elif [kept.name for kept in seen.generations[:1]] != [wanted.generation]:
        yield StringCommand(generation.record(wanted.generation, wanted.release))


@step
def running() -> Decision:
    """The socket listens, and the service that answers is of the wanted generation."""
    needed = service_commands(observe(), desired())
    return Decision(needed, "the service runs the wanted generation, and greets")


@step
def superseded() -> Decision:
    """The last three generations are kept with their releases, and no more."""
    needed = generation.superseded(observe(), desired())
    return Decision(needed, "no generation is older than the last three")


def removal_commands(seen: Observed) -> Iterator[StringCommand]:
    """Stop and disable the units, then remove them."""
    files = [path for path in (f"{layout.UNIT_FOLDER}/{unit}" for unit in layout.UNITS) if path in seen.files]
    if files:
        yield StringCommand(f"systemctl disable -q --now {' '.join(layout.UNITS)}")
        yield StringCommand("rm -f", *files)
        yield StringCommand("systemctl daemon-reload")


@step
def removed() -> Decision:
    """letterbox.socket and letterbox.service are gone."""
    return Decision(removal_commands(observe()), "there are no units")
