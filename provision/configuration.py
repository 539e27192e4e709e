"""letterbox.toml, and the folders of the program, its configuration and the mail."""

from __future__ import annotations

from collections.abc import Iterator

from pyinfra.api.command import StringCommand

from provision.desired.files import FOLDERS, Text, folder_commands, text_commands
from provision.desired.state import Desired, desired
from provision.host import layout
from provision.host.observed import Observed
from provision.run.step import Decision, observe, step

_MENDS = {
    "releases": f"chown -hR root:root {layout.RELEASES} && chmod -R u+rwX,go-w,go+rX {layout.RELEASES}",
    "generations": f"chown -hR root {layout.GENERATIONS} && chmod -R go-w {layout.GENERATIONS}",
    # A backup that was restored with the numbers of another machine. Only what differs is touched. The user
    # letterbox may change this tree meanwhile, so find(1) works in each folder itself (-execdir): a folder
    # that was swapped for a link leads nowhere. The queues have the group of the hooks.
    "mail": (
        f"find {layout.MAIL} -mindepth 1 ! -path '{layout.QUEUES}/*' "
        f"\\( ! -user {layout.USER} -o ! -group {layout.USER} \\) "
        f"-execdir chown -h {layout.USER}:{layout.USER} {{}} + && "
        f"find {layout.MAIL} -mindepth 2 -path '{layout.QUEUES}/*' ! -user {layout.USER} "
        f"\\( -type d -o -path '{layout.QUEUES}/*/pending/*' -o -path '{layout.QUEUES}/*/dead/*' \\) "
        f"-execdir chown -h {layout.USER} {{}} + && "
        f"find {layout.MAIL} -mindepth 1 -type d ! -perm -700 -execdir chmod u+rwx {{}} +"
    ),
}


def rights_commands(seen: Observed) -> Iterator[StringCommand]:
    """Give what lies in our folders the owners and rights that it should have."""
    for where in seen.wrong_rights:
        if where in _MENDS:
            yield StringCommand(_MENDS[where])


@step
def folders() -> Decision:
    """The folders of the program, its configuration and the mail, and what lies in them: owners and modes."""
    seen = observe()
    return Decision(
        [*folder_commands(seen, FOLDERS), *rights_commands(seen)], "the folders are as they should be"
    )


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
