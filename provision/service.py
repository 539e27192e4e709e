"""Configuration, certificate, units, and a service that runs exactly what is there.

A restart is decided from the host, never from what this run changed: the running process carries the name
of the generation it was started with in its environment, and is restarted when that is not the wanted one.
The socket is systemd's and stays open meanwhile, so a restart refuses no connection.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from pyinfra.api.command import StringCommand
from pyinfra.api.operation import operation

from provision import layout
from provision.desired import Desired, desired
from provision.fact import Commands, changes, observe
from provision.files import FOLDERS, Text, folder_commands, text_commands
from provision.observed import Observed

_UNITS = f"{layout.SOCKET_UNIT} {layout.SERVICE_UNIT}"

_AWAIT_GREETING = """\
import socket, sys, time
late, said = time.monotonic() + 15, ""
while time.monotonic() < late:
    try:
        with socket.create_connection(("127.0.0.1", 25), 5) as s:
            s.settimeout(5); said = s.makefile("rb").readline(600).decode("ascii", "replace").strip()
            if said.startswith("220 "): sys.exit(0)
    except OSError as error: said = str(error)
    time.sleep(0.1)
sys.exit(f"letterbox.service did not greet on 127.0.0.1:25 within 15 s: {said or 'silence'}")
"""


@operation()
def folders() -> Commands:
    """The folders of the program, its configuration and the mail, with their owners and modes."""
    yield from changes(folder_commands(observe(), FOLDERS), "folders are as they should be")


def configuration_commands(seen: Observed, wanted: Desired) -> Iterator[StringCommand]:
    """Write letterbox.toml where it differs, once the wanted release has accepted it."""
    check = f"{layout.RELEASES}/{wanted.release}/bin/letterbox check --config {{}}"
    text = Text(layout.CONFIGURATION, wanted.configuration, "root", layout.USER, "640", check)
    yield from text_commands(seen, text)


@operation()
def configuration() -> Commands:
    """letterbox.toml, taken only when the new release accepts it."""
    needed = configuration_commands(observe(), desired())
    yield from changes(needed, "letterbox.toml is as it should be")


def certificate_commands(seen: Observed, hostname: str) -> Iterator[StringCommand]:
    """Make a self-signed certificate for the host's name, unless one is there and good for 30 days.

    A sender that does STARTTLS without DANE or MTA-STS checks no name and no issuer (RFC 7435, RFC 3207
    §4.1), so this one is as good as a bought one. The key is made on the host and never leaves it.
    """
    files = (seen.files.get(layout.KEY), seen.files.get(layout.CERTIFICATE))
    key, certificate = ((file.user, file.group, file.mode) if file else None for file in files)
    wanted_key, wanted_certificate = ("root", layout.USER, "640"), ("root", "root", "644")
    present = key is not None and hostname in seen.certificate_names
    if present and (key, certificate) == (wanted_key, wanted_certificate):
        return
    make = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 "
        f"-subj /CN={hostname} -addext subjectAltName=DNS:{hostname} "
        f"-keyout {layout.KEY}.new -out {layout.CERTIFICATE}.new 2>/dev/null",
        f"mv -fT {layout.KEY}.new {layout.KEY}",
        f"mv -fT {layout.CERTIFICATE}.new {layout.CERTIFICATE}",
    )
    steps = (
        "umask 077",
        *(() if present else make),
        f"chown root:{layout.USER} {layout.KEY} && chmod 640 {layout.KEY}",
        f"chown root:root {layout.CERTIFICATE} && chmod 644 {layout.CERTIFICATE}",
    )
    yield StringCommand("sh -c", shlex.quote(" && ".join(steps)))


@operation()
def certificate() -> Commands:
    """A certificate for STARTTLS, in the host's name."""
    needed = certificate_commands(observe(), desired().host.hostname)
    yield from changes(needed, "certificate is there, and good for 30 days more")


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
    socket, service = (seen.units.get(name) for name in (layout.SOCKET_UNIT, layout.SERVICE_UNIT))
    if not (socket and socket.enabled and service and service.enabled):
        yield StringCommand(f"systemctl enable -q {_UNITS}")
    if not (socket and socket.active == "active"):
        # A socket can only be opened while its service is down.
        yield StringCommand(f"systemctl stop {layout.SERVICE_UNIT}; systemctl start {layout.SOCKET_UNIT}")
    greets = [text for text in seen.greetings.values() if text.startswith(f"220 {wanted.host.hostname} ")]
    if seen.running_generation == wanted.generation and greets:
        return
    generation = f"LETTERBOX_GENERATION={wanted.generation}\n"
    yield from text_commands(seen, Text(layout.GENERATION, generation, "root", "root", "644"))
    show = f"journalctl -u {layout.SERVICE_UNIT} -n 20 --no-pager -o cat >&2"
    yield StringCommand(
        f"{{ systemctl restart {layout.SERVICE_UNIT} && python3 -c {shlex.quote(_AWAIT_GREETING)}; }} "
        f"|| {{ {show}; false; }}"
    )


@operation()
def running() -> Commands:
    """The socket listens, and the service that answers is of the wanted generation."""
    needed = service_commands(observe(), desired())
    yield from changes(needed, "the service runs the wanted generation, and greets")
