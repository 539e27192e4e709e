"""The system user that the receiver runs as: no login, no password, nothing of its own but the mail."""

from __future__ import annotations

from collections.abc import Iterator

from pyinfra.api.command import StringCommand
from pyinfra.api.operation import operation

from provision.host import layout
from provision.host.observed import Observed
from provision.step import Commands, changes, observe

_SHELLS = ("/usr/sbin/nologin", "/sbin/nologin")


def commands(seen: Observed) -> Iterator[str]:
    """What makes the user and group right; nothing when they are."""
    lines = [line.split(":") for line in seen.account if line.startswith(f"{layout.USER}:")]
    user = next((fields for fields in lines if len(fields) == 7), None)
    group = next((fields for fields in lines if len(fields) == 4), None)
    if group is None:
        yield f"groupadd --system {layout.USER}"
    if user is None:
        yield (
            f"useradd --system --gid {layout.USER} --home-dir {layout.STATE_FOLDER} --no-create-home "
            f"--shell {_SHELLS[0]} --comment 'Letterbox mail receiver' {layout.USER}"
        )
        return
    wrong = []
    if group is None or user[3] != group[2]:
        wrong.append(f"--gid {layout.USER}")
    if user[5] != layout.STATE_FOLDER:
        wrong.append(f"--home {layout.STATE_FOLDER}")
    if user[6] not in _SHELLS:
        wrong.append(f"--shell {_SHELLS[0]}")
    if wrong:
        yield f"usermod {' '.join(wrong)} {layout.USER}"


@operation()
def account() -> Commands:
    """The user and group `letterbox`, with the group, home and shell they should have."""
    needed = (StringCommand(command) for command in commands(observe()))
    yield from changes(needed, f"user {layout.USER} is as it should be")
