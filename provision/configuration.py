"""letterbox.toml, and the folders that the program, its configuration and the mail lie in."""

from __future__ import annotations

from collections.abc import Iterator

from pyinfra.api.command import StringCommand
from pyinfra.api.operation import operation

from provision.desired.files import FOLDERS, Text, folder_commands, text_commands
from provision.desired.state import Desired, desired
from provision.host import layout
from provision.host.observed import Observed
from provision.step import Commands, changes, observe


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
def written() -> Commands:
    """letterbox.toml, taken only when the new release accepts it."""
    needed = configuration_commands(observe(), desired())
    yield from changes(needed, "letterbox.toml is as it should be")
