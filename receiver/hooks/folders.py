"""The folders of a hook's queue, with the group of the hooks: made before the hook's unit starts.

The receiver cannot give a folder to another group, so the deploy has this done, as root. What a hook writes
belongs to another user. So root is given up first: whatever a link in a queue leads to, only the mail's user
touches it.

The hook may write in the parts of its queue, and not in the folder that has them. Else it could put a link in
the place of a part, which the receiver would follow into another mailbox.
"""

from __future__ import annotations

import contextlib
import grp
import os
from pathlib import Path

from receiver import hook_queue
from receiver.cli.command import Failure
from receiver.system import privileges

GROUP = "letterbox-hooks"
_ABOVE, _PARTS = 0o750, 0o770
_OPEN = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def prepare(mail: Path, name: str) -> int:
    """Make the folders of the queue, and give them the group. Returns 0. Raises OSError, Failure."""
    if not hook_queue.is_hook_name(name):
        raise Failure(f"{name}: no name of a hook", 2)
    try:
        group = grp.getgrnam(GROUP).gr_gid
    except KeyError:
        raise Failure(f"there is no group {GROUP}: deploy this host") from None
    privileges.give_up(privileges.owner(mail), groups=(group,))
    os.umask(0o077)
    above = os.open(mail, _OPEN)
    queues = _opened(hook_queue.FOLDER, above)
    folder = _opened(name, queues)
    # The folder comes first: from then on, the hook cannot change what its parts are.
    _give(folder, group, _ABOVE)
    for part in ("pending", "dead", "state"):
        _give(_opened(part, folder), group, _PARTS)
    for each in (folder, queues, above):
        os.fsync(each)
    return 0


def _opened(name: str, above: int) -> int:
    """The folder of this name, made if it is missing. What is no folder, such as a link, is an OSError."""
    with contextlib.suppress(FileExistsError):
        os.mkdir(name, 0o700, dir_fd=above)
    return os.open(name, _OPEN, dir_fd=above)


def _give(folder: int, group: int, mode: int) -> None:
    state = os.fstat(folder)
    if state.st_gid != group:
        os.fchown(folder, -1, group)
    if state.st_mode & 0o7777 != mode:
        os.fchmod(folder, mode)
