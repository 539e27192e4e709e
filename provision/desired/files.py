"""Folders, files and links on the host, each with its exact owner, mode and content.

A file is written whole beside its place and renamed into it, so nobody ever sees half of it. Its content
travels over the standard input of the ssh session, so no copy lies in a temporary folder.
"""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pyinfra.api.command import StringCommand

from provision.host import layout
from provision.host.observed import Observed


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder as it should be. The mode is in octal, as stat prints it."""

    path: str
    user: str
    group: str
    mode: str


@dataclass(frozen=True, slots=True)
class Text:
    """A text file as it should be."""

    path: str
    content: str
    user: str
    group: str
    mode: str
    check: str | None = None
    """A command that must accept the new file, named by `{}`, before it takes its place."""


FOLDERS = (
    Folder(layout.CONFIGURATION_FOLDER, "root", layout.USER, "750"),
    Folder(layout.TLS_FOLDER, "root", layout.USER, "750"),
    Folder(layout.KEY_FOLDERS, "root", layout.USER, "750"),
    Folder(layout.PROGRAM_FOLDER, "root", "root", "755"),
    Folder(layout.RELEASES, "root", "root", "755"),
    Folder(layout.GENERATIONS, "root", "root", "755"),
    Folder(layout.STATE_FOLDER, layout.USER, layout.USER, "700"),
    Folder(layout.MAIL, layout.USER, layout.USER, "700"),
)


def folder_commands(seen: Observed, folders: Iterable[Folder]) -> Iterator[StringCommand]:
    """Make each folder that is missing, or has another owner or mode, as it should be."""
    for folder in folders:
        now = seen.files.get(folder.path)
        wanted = (folder.user, folder.group, folder.mode)
        if now is None or now.kind != "directory" or (now.user, now.group, now.mode) != wanted:
            owner = f"-o {folder.user} -g {folder.group}"
            yield StringCommand(f"install -d -m {folder.mode} {owner} {folder.path}")
            if now is not None and folder.path == layout.STATE_FOLDER and now.user != folder.user:
                # The mail of a host that was destroyed: destroy.py keeps it, and gives it to root.
                yield StringCommand(f"chown -R {folder.user}:{folder.group} {folder.path}")


def text_commands(seen: Observed, text: Text) -> Iterator[StringCommand]:
    """Make the file as it should be."""
    now = seen.files.get(text.path)
    if now is not None and now.kind == "regular file" and now.sha256 == sha256(text.content):
        if (now.user, now.group, now.mode) == (text.user, text.group, text.mode):
            return
        yield StringCommand(f"chown {text.user}:{text.group} {text.path} && chmod {text.mode} {text.path}")
        return
    new = f"{text.path}.new"
    shell = [
        f"trap 'rm -f {new}' EXIT",
        f"umask 077 && cat > {new}",
        f"chown {text.user}:{text.group} {new} && chmod {text.mode} {new}",
        *([text.check.format(new)] if text.check else []),
        f"sync {new} && mv -fT {new} {text.path}",
    ]
    yield StringCommand("sh -c", shlex.quote(" && ".join(shell)), _stdin=text.content)


def unit_commands(seen: Observed, name: str, text: str) -> Iterator[StringCommand]:
    """Write the file of a systemd unit, unless it is there."""
    yield from text_commands(seen, Text(f"{layout.UNIT_FOLDER}/{name}", text, "root", "root", "644"))


def link_commands(seen: Observed, path: str, target: str) -> Iterator[StringCommand]:
    """Make `path` a symbolic link to `target`, atomically."""
    now = seen.files.get(path)
    if now is None or now.target != target:
        yield StringCommand(f"ln -sfnT {target} {path}.new && mv -fT {path}.new {path}")


def still(path: str, content: str) -> str:
    """Shell that fails, with the reason, unless the file has this content: another deploy has changed it."""
    return _unless_changed(path, f"echo '{sha256(content)}  {path}' | sha256sum --status -c")


def still_link(path: str, target: str) -> str:
    """Shell that fails, with the reason, unless the symbolic link has this target."""
    return _unless_changed(path, f'[ "$(readlink {path})" = {target} ]')


def _unless_changed(path: str, test: str) -> str:
    said = f"{path} was changed while this deploy ran, perhaps by another deploy: deploy again"
    return f"{{ {test} || {{ echo '{said}' >&2; false; }}; }}"


def sha256(content: str) -> str:
    """The digest as `sha256sum` prints it."""
    return hashlib.sha256(content.encode()).hexdigest()
