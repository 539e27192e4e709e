"""The units, and a service that runs exactly what is there.

A restart is decided from the host, never from what this run changed: the running process carries the name
of the generation it was started with in its environment, and is restarted when that is not the wanted one.
The socket is systemd's and stays open meanwhile, so a restart refuses no connection.
"""

from __future__ import annotations

from collections.abc import Iterator

from pyinfra.api.command import StringCommand
from pyinfra.api.operation import operation

from provision import generation
from provision.desired.files import Text, text_commands
from provision.desired.state import Desired, desired
from provision.host import layout
from provision.host.observed import Observed
from provision.step import Commands, changes, observe


def unit_commands(seen: Observed, wanted: Desired) -> Iterator[StringCommand]:
    """Write the units that differ, and make systemd read them, also when an earlier run was cut off."""
    needed = [
        command
        for name, text in wanted.units.items()
        for command in text_commands(seen, Text(f"{layout.UNIT_FOLDER}/{name}", text, "root", "root", "644"))
    ]
    yield from needed
    if needed or any(unit.needs_reload for unit in seen.units.values()):
        yield StringCommand("systemctl daemon-reload")


@operation()
def units() -> Commands:
    """letterbox.socket and letterbox.service, known to systemd."""
    yield from changes(unit_commands(observe(), desired()), "units are as they should be")


def service_commands(seen: Observed, wanted: Desired) -> Iterator[StringCommand]:
    """Enable, start and restart what is not enabled, running and of the wanted generation."""
    socket, service = (seen.units.get(name) for name in layout.UNITS)
    if not (socket and socket.enabled and service and service.enabled):
        yield StringCommand(f"systemctl enable -q {' '.join(layout.UNITS)}")
    if not (socket and socket.active == "active"):
        # A socket can only be opened while its service is down.
        yield StringCommand(f"systemctl stop {layout.SERVICE_UNIT}; systemctl start {layout.SOCKET_UNIT}")
    name = f"LETTERBOX_GENERATION={wanted.generation}\n"
    yield from text_commands(seen, Text(layout.GENERATION, name, "root", "root", "644"))
    greets = [text for text in seen.greetings.values() if text.startswith(f"220 {wanted.host.hostname} ")]
    if seen.running_generation != wanted.generation or not greets:
        yield generation.start_or_return(seen, wanted)
    elif [kept.name for kept in seen.generations[:1]] != [wanted.generation]:
        yield StringCommand(generation.record(wanted.generation, wanted.release))


@operation()
def running() -> Commands:
    """The socket listens, and the service that answers is of the wanted generation."""
    needed = service_commands(observe(), desired())
    yield from changes(needed, "the service runs the wanted generation, and greets")


@operation()
def superseded() -> Commands:
    """The last three generations are kept, with their releases, and no more."""
    yield from changes(generation.superseded(observe(), desired()), "nothing is older than the last three")
