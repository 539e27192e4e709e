"""What on a host a deploy could damage, or would fail on halfway: refused before anything is changed."""

from __future__ import annotations

from collections.abc import Iterator

from provision.desired.files import FOLDERS
from provision.host import layout
from provision.host.observed import Observed

_FIRST_PERSON = 1000  # the lowest user ID of a person (UID_MIN of login.defs(5))
_NO_LOGIN = ("nologin", "false", "sync", "shutdown", "halt")
_FILES = (
    layout.CONFIGURATION,
    layout.GENERATION,
    layout.KEY,
    layout.CERTIFICATE,
    *(f"{layout.UNIT_FOLDER}/{unit}" for unit in layout.UNITS),
)


def refusals(seen: Observed) -> Iterator[str]:
    """Why this host must stay as it is, with the fix: a line each."""
    if seen.image_based:
        yield (
            "its system is an image (ostree), into which this deploy cannot install packages: use a host "
            "with the Server or Cloud edition"
        )
    if is_person(seen):
        yield (
            f"the account {layout.USER} seems to be a person's (user ID {_user(seen)[2]}, home "
            f"{_user(seen)[5]}, shell {_user(seen)[6]}), but the receiver needs this name: rename the "
            "account with `usermod --login`"
        )
    yield from _other_kinds(seen)
    yield from _others_on_port_25(seen)


def is_person(seen: Observed) -> bool:
    """Whether the account `letterbox` is somebody's: a person's number, or a login in another home."""
    user = _user(seen)
    if len(user) != 7 or not user[2].isdecimal():
        return False
    logs_in = user[6].rpartition("/")[2] not in _NO_LOGIN
    return int(user[2]) >= _FIRST_PERSON or (logs_in and user[5] != layout.STATE_FOLDER)


def _user(seen: Observed) -> list[str]:
    """The fields of the account's line in passwd(5); empty if there is none."""
    lines = (line.split(":") for line in seen.account if line.startswith(f"{layout.USER}:"))
    return next((fields for fields in lines if len(fields) == 7), [])


def _other_kinds(seen: Observed) -> Iterator[str]:
    """Paths of ours at which there is something of another kind."""
    for folder in FOLDERS:
        file = seen.files.get(folder.path)
        if file and file.kind == "symbolic link":
            yield (
                f"{folder.path} is a symbolic link (to {file.target}), and must be a folder: replace it by a "
                f"mount of what it points to (`mount --bind {file.target} {folder.path}`, and a line in "
                "/etc/fstab)"
            )
        elif file and file.kind != "directory":
            yield f"{folder.path} is a {file.kind}, and must be a folder: move it away"
    for path in _FILES:
        file = seen.files.get(path)
        if file and file.kind not in ("regular file", "symbolic link"):
            yield f"{path} is a {file.kind}, and must be a file: move it away"
    for path in (layout.CURRENT, layout.COMMAND, layout.KEY_IN_USE, layout.NEXT_KEY):
        file = seen.files.get(path)
        if file and file.kind != "symbolic link":
            yield f"{path} is a {file.kind} that is not the deploy's: move it away"


def _others_on_port_25(seen: Observed) -> Iterator[str]:
    socket = seen.units.get(layout.SOCKET_UNIT)
    ours = socket is not None and socket.active == "active"
    found: dict[tuple[str, str], list[str]] = {}
    for each in seen.listeners:
        if each.unit not in layout.UNITS and not (each.pid == 1 and ours):
            found.setdefault((each.program, each.unit), []).append(each.address)
    for (program, unit), addresses in found.items():
        where = " and ".join(dict.fromkeys(addresses))
        if unit.endswith(".service"):
            name = unit.removesuffix(".service").partition("@")[0]
            yield (
                f"port 25 is taken by {program} ({unit}, on {where}): stop it for good with "
                f"`systemctl disable --now {name}` if nothing needs it, or receive on another host"
            )
        elif program == "systemd":
            yield f"port 25 is held by systemd for another unit, on {where}: see `systemctl list-sockets`"
        else:
            yield f"port 25 is taken by {program}, on {where}: see `ss -ltnp 'sport = :25'`, and stop it"
