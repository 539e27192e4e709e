"""letterbox.toml, and the folders of the program, its configuration and the mail."""

from __future__ import annotations

from collections.abc import Iterator

from pyinfra.api.command import StringCommand

from provision.desired.files import FOLDERS, Text, folder_commands, text_commands
from provision.desired.state import Desired, desired
from provision.host import layout
from provision.host.observed import Observed
from provision.step import Decision, observe, step


@step
def folders() -> Decision:
    """The folders of the program, its configuration and the mail, with their owners and modes."""
    return Decision(folder_commands(observe(), FOLDERS), "the folders are as they should be")


def configuration_commands(seen: Observed, wanted: Desired) -> Iterator[StringCommand]:
    """Write letterbox.toml if it differs, and only if the wanted release accepts it."""
    check = f"{layout.RELEASES}/{wanted.release}/bin/letterbox check --config {{}}"
    text = Text(layout.CONFIGURATION, wanted.configuration, "root", layout.USER, "640", check)
    yield from text_commands(seen, text)


@step
def written() -> Decision:
    """letterbox.toml, accepted by the new release before it takes its place."""
    needed = configuration_commands(observe(), desired())
    return Decision(needed, "letterbox.toml is as it should be")
