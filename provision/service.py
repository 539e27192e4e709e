"""The units, and a service that runs exactly what is in place.

A restart is decided from the host, never from what this run changed. What runs is asked of what runs: the
service says what it has loaded (`host/loaded.py`), and systemd says when it started the process and opened
the socket. The socket is systemd's and stays open meanwhile, so a restart refuses no connection.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from pyinfra.api.command import StringCommand

from provision import generation
from provision.desired.files import Text, sha256, still, text_commands
from provision.desired.state import Desired, desired
from provision.host import layout
from provision.host.observed import Observed
from provision.run.step import Decision, observe, step


def unit_commands(seen: Observed, wanted: Desired) -> Iterator[StringCommand]:
    """Write the units that differ. Make systemd read them, also those of an earlier run that was cut off."""
    mine = still(layout.CONFIGURATION, wanted.configuration)
    needed = [
        StringCommand(f"{mine} &&", command, **command.connector_arguments)
        for name, text in wanted.units.items()
        for command in text_commands(seen, Text(f"{layout.UNIT_FOLDER}/{name}", text, "root", "root", "644"))
    ]
    yield from needed
    stale = [f"{layout.UNIT_FOLDER}/{name}" for name, unit in seen.units.items() if unit.needs_reload]
    if not needed and stale:
        # After the reload only these times tell the next run, if this one is cut off here, that the process
        # is older than its unit.
        yield StringCommand(f"touch -c {' '.join(stale)}")
    if needed or any(unit.needs_reload for unit in seen.units.values()):
        yield StringCommand("systemctl daemon-reload")


@step
def units() -> Decision:
    """letterbox.socket and letterbox.service, known to systemd."""
    return Decision(unit_commands(observe(), desired()), "the units are as they should be")


def unit_is_newer(seen: Observed, wanted: Desired, name: str) -> bool:
    """Whether a unit, or what a drop-in adds to it, is not what its process or socket was started from."""
    unit, path = seen.units.get(name), f"{layout.UNIT_FOLDER}/{name}"
    file = seen.files.get(path)
    if unit is None or file is None or file.sha256 != sha256(wanted.units.get(name, "")) or unit.needs_reload:
        return True
    # Opening a socket anew refuses connections for a moment. So `changed` does not count for it: a roll-back
    # that puts back the same unit gives the file another `changed`, and leaves the socket open.
    newest = file.written if name == layout.SOCKET_UNIT else file.changed
    drop_ins = (seen.files.get(each) for each in (f"{path}.d", *unit.drop_ins))
    return newest > unit.since or any(each.changed > unit.since for each in drop_ins if each)


def is_loaded(seen: Observed, wanted: Desired) -> bool:
    """Whether the running service has loaded what is wanted. If it does not say so, it has not."""
    service, loaded = seen.units.get(layout.SERVICE_UNIT), seen.loaded
    return (
        service is not None
        and loaded is not None
        and loaded.pid == service.pid
        and loaded.configuration == sha256(wanted.configuration)
        and loaded.release == wanted.release
        and wanted.release not in seen.damaged
        and not unit_is_newer(seen, wanted, layout.SERVICE_UNIT)
        # A release that was unpacked anew was damaged before.
        and seen.unpacked <= service.since
    )


def certificate_is_loaded(seen: Observed, wanted: Desired) -> bool:
    """Whether the service uses the certificate on disk, and this is one that the deploy leaves in place."""
    on_disk, loaded = seen.tls.certificate, seen.loaded
    stays = seen.certificate_stays(wanted.host.hostname)
    return stays and bool(on_disk and loaded and loaded.certificate == on_disk.sha256)


def service_commands(seen: Observed, wanted: Desired) -> Iterator[StringCommand]:
    """Enable, start or restart whatever is not enabled, not running, or has not loaded what is wanted."""
    socket, service = (seen.units.get(name) for name in layout.UNITS)
    if not (socket and socket.enabled and service and service.enabled):
        yield StringCommand(f"systemctl enable -q {' '.join(layout.UNITS)}")
    opened = socket is not None and socket.active == "active"
    reopen = not opened or unit_is_newer(seen, wanted, layout.SOCKET_UNIT)
    if reopen:
        yield StringCommand("sh -c", shlex.quote(generation.OPEN_SOCKET))
    greets = any((one.code, one.name) == (220, wanted.host.hostname) for one in seen.greetings.values())
    runs = seen.running_generation == wanted.generation and is_loaded(seen, wanted)
    if reopen or not runs or not greets:
        yield generation.start_or_return(seen, wanted)
        return
    name = Text(layout.GENERATION, generation.mark(wanted.generation), "root", "root", "644")
    yield from text_commands(seen, name)
    if not certificate_is_loaded(seen, wanted):
        yield StringCommand(f"systemctl reload {layout.SERVICE_UNIT}")
    elif [kept.name for kept in seen.generations[:1]] != [wanted.generation]:
        yield StringCommand(generation.record(wanted.generation, wanted.release))


@step
def running() -> Decision:
    """The socket listens, and the service that answers has loaded what is wanted."""
    needed = service_commands(observe(), desired())
    return Decision(needed, "the service runs the wanted generation, and greets")


@step
def superseded() -> Decision:
    """The last three generations are kept with their releases, and no more."""
    needed = generation.superseded(observe(), desired())
    return Decision(needed, "no generation is older than the last three")


def removal_commands(seen: Observed) -> Iterator[StringCommand]:
    """Stop and disable the units, then remove them, and what they had in /run."""
    files = [path for path in (f"{layout.UNIT_FOLDER}/{unit}" for unit in layout.UNITS) if path in seen.files]
    loaded = any(unit.needs_reload or unit.active == "active" for unit in seen.units.values())
    if files or loaded:
        names = " ".join(layout.UNITS)
        yield StringCommand(
            f"{{ systemctl disable -q --now {names} || systemctl stop {names}; }} && "
            f"rm -rf {' '.join([*files, layout.RUNTIME_FOLDER, layout.PROOFS])} && systemctl daemon-reload"
        )


@step
def removed() -> Decision:
    """letterbox.socket and letterbox.service are gone."""
    return Decision(removal_commands(observe()), "there are no units")
