"""Taking everything off a host again, and its records out of the zone. The mail stays, unless asked by name.

The order is that of safety: first nobody is sent here any more, then nothing listens, then nothing is left.
"""

from __future__ import annotations

from collections.abc import Iterator

from pyinfra import context
from pyinfra.api.command import StringCommand
from pyinfra.api.operation import operation

from provision import firewalld
from provision.host import layout
from provision.host.firewalld_state import Firewalld
from provision.host.observed import Observed
from provision.step import Commands, changes, observe

_PROGRAM = (layout.COMMAND, layout.PROGRAM_FOLDER, layout.CONFIGURATION_FOLDER)


def unit_commands(seen: Observed) -> Iterator[StringCommand]:
    """Stop and disable the units, then remove them."""
    files = [path for path in (f"{layout.UNIT_FOLDER}/{unit}" for unit in layout.UNITS) if path in seen.files]
    if files:
        yield StringCommand(f"systemctl disable -q --now {' '.join(layout.UNITS)}")
        yield StringCommand("rm -f", *files)
        yield StringCommand("systemctl daemon-reload")


def program_commands(seen: Observed) -> Iterator[StringCommand]:
    """Remove the program with its releases, the configuration and the certificate."""
    found = [path for path in _PROGRAM if path in seen.files]
    if found:
        yield StringCommand("rm -rf", *found)


def close_commands(firewall: Firewalld, zones: tuple[firewalld.Opening, ...]) -> Iterator[StringCommand]:
    """Close smtp where `commands_to_open` opens it."""
    for opening in zones:
        for when, state in (("--permanent ", firewall.permanent), ("", firewall.runtime)):
            zone = state.get(opening.zone)
            if zone and "smtp" in zone.services:
                yield StringCommand(f"firewall-cmd -q {when}--zone={opening.zone} --remove-service=smtp")
            if zone and firewalld.SMTP in zone.ports:
                yield StringCommand(f"firewall-cmd -q {when}--zone={opening.zone} --remove-port=25/tcp")


def account_commands(seen: Observed, *, keep_mail: bool) -> Iterator[StringCommand]:
    """Remove user and group. Mail that is kept becomes root's: a later user may get the same number."""
    state = seen.files.get(layout.STATE_FOLDER)
    if state and not keep_mail:
        yield StringCommand(f"rm -rf {layout.STATE_FOLDER}")
    elif state and state.user != "root":
        yield StringCommand(f"chown -R root:root {layout.STATE_FOLDER}")
    if seen.account:
        name = layout.USER
        yield StringCommand(
            f"if getent passwd {name} >/dev/null; then userdel {name}; fi && "
            f"if getent group {name} >/dev/null; then groupdel {name}; fi"
        )


@operation()
def units() -> Commands:
    """letterbox.socket and letterbox.service are gone."""
    yield from changes(unit_commands(observe()), "there are no units")


@operation()
def program() -> Commands:
    """Program, configuration and certificate are gone."""
    yield from changes(program_commands(observe()), "there is no program")


@operation()
def closed() -> Commands:
    """25/tcp is closed in the zones that the deploy opens it in."""
    seen = observe()
    zones = firewalld.openings(context.host, seen)
    yield from changes(close_commands(seen.firewalld, zones), "25/tcp is closed")


@operation()
def account() -> Commands:
    """The user is gone; the mail too, with `--data remove_mail=HOST` in the host's own name."""
    host = context.host
    keep = host.data.get("remove_mail") != host.name
    yield from changes(account_commands(observe(), keep_mail=keep), "there is no user, and no mail to remove")
