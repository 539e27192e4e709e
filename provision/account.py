"""The system user that the receiver runs as. It has no login, no password, and owns nothing but mail."""

from __future__ import annotations

from collections.abc import Iterator

from pyinfra import context
from pyinfra.api.command import StringCommand
from pyinfra.api.exceptions import DeployError

from provision.host import layout
from provision.host.observed import Observed
from provision.refusals import is_person
from provision.run.inventory import inventory
from provision.run.step import Decision, observe, step

_SHELLS = ("/usr/sbin/nologin", "/sbin/nologin")


def account_commands(seen: Observed) -> Iterator[StringCommand]:
    """Make the user and group as they should be."""
    lines = [line.split(":") for line in seen.account if line.startswith(f"{layout.USER}:")]
    user = next((fields for fields in lines if len(fields) == 7), None)
    group = next((fields for fields in lines if len(fields) == 4), None)
    if group is None:
        yield StringCommand(f"groupadd --system --force {layout.USER}")  # another deploy may have made it
    if user is None:
        yield StringCommand(
            f"getent passwd {layout.USER} >/dev/null || "
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
        yield StringCommand(f"usermod {' '.join(wrong)} {layout.USER}")


@step
def account() -> Decision:
    """The user and group `letterbox`, with the group, home and shell that they should have."""
    return Decision(account_commands(observe()), f"the user {layout.USER} is as it should be")


def prepare_removal() -> None:
    """Look at `--data remove_mail=HOST` before anything is touched. Raises DeployError for no host's name."""
    named = context.host.data.get("remove_mail")
    names = {host.name for host in inventory().hosts}
    if named is not None and named not in names:
        raise DeployError(
            f"remove_mail={named}: the inventory has no host of this name, but {', '.join(sorted(names))}. "
            "Nothing was changed."
        )


def removal_commands(seen: Observed, *, keep_mail: bool) -> Iterator[StringCommand]:
    """Remove user and group. Mail that is kept becomes root's: a later user may get the same number.

    What else lies in the state folder stays. So does an account of this name that is a person's.
    """
    state = seen.files.get(layout.STATE_FOLDER)
    if layout.MAIL in seen.files and not keep_mail:
        yield StringCommand(f"rm -rf {layout.MAIL} {layout.IMAP_STATE}")
    if state and not keep_mail:
        if layout.MAIL in seen.files or layout.STATE_FOLDER in seen.empty_folders:
            yield StringCommand(f"rmdir --ignore-fail-on-non-empty {layout.STATE_FOLDER}")
    elif state and state.user != "root":
        yield StringCommand(f"chown -R root:root {layout.STATE_FOLDER}")
    if seen.account and not is_person(seen):
        name = layout.USER
        yield StringCommand(
            f"if getent passwd {name} >/dev/null; then userdel {name}; fi && "
            f"if getent group {name} >/dev/null; then groupdel {name}; fi"
        )


@step
def removed() -> Decision:
    """The user is gone. So is the mail, if `--data remove_mail=HOST` names this host."""
    host = context.host
    keep = host.data.get("remove_mail") != host.name
    return Decision(removal_commands(observe(), keep_mail=keep), "there is no user, and no mail to remove")
