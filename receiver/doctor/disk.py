"""Whether there is room for mail, and whether the service's user may put it where it belongs."""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterator
from pathlib import Path

from receiver.cli import terminal
from receiver.config.values import Config
from receiver.doctor.links import Link

_FILES = 100  # of what a file system counts as inodes


def room(config: Config) -> Link:
    """Space for two messages of the largest size, inodes, and no read-only file system."""
    try:
        system = os.statvfs(config.mail)
    except OSError as error:
        evidence = f"{config.mail}: {error.strerror}"
        return Link("disk", evidence, f"install -d -m 700 -o letterbox -g letterbox {config.mail}")
    free, wanted = system.f_bavail * system.f_frsize, 2 * config.limits.message_size
    where = f"the file system of {config.mail}"
    mend = f"make room: df -h {config.mail}; du -xh -d1 {config.mail}; journalctl --vacuum-size=100M"
    if system.f_flag & os.ST_RDONLY:
        return Link("disk", f"{where} is mounted read-only", f"mount -o remount,rw {_mount(config.mail)}")
    if free < wanted:
        evidence = f"{where} has {terminal.size(free)} left, and needs {terminal.size(wanted)}"
        return Link("disk", evidence, mend)
    if system.f_files and system.f_favail < _FILES:
        evidence = f"{where} has {system.f_favail} inodes left"
        return Link("disk", evidence, f"make room: df -i {config.mail}")
    return Link("disk", f"{terminal.size(free)} free")


def _mount(path: Path) -> Path:
    return next(each for each in (path, *path.parents) if each.is_mount())


def writable(config: Config, user: str | None) -> Link | None:
    """The first folder of the mail that the service's user may not write to; None if it may everywhere."""
    owner = pwd.getpwnam(user) if user else pwd.getpwuid(config.mail.stat().st_uid)
    for folder in _folders(config.mail):
        state = folder.lstat()
        right = state.st_uid == owner.pw_uid and state.st_mode & 0o700 == 0o700 and folder.is_dir()
        if not right or folder.is_symlink():
            kind = "folder" if folder.is_dir() else "file"
            who = _name(state.st_uid)
            evidence = (
                f"{folder} is a {kind} of {who} with mode {state.st_mode & 0o777:o}, "
                f"and {owner.pw_name} cannot deliver into it"
            )
            mend = f"chown -R {owner.pw_name}: {config.mail} && chmod -R u=rwX,go= {config.mail}"
            if not folder.is_dir() or folder.is_symlink():
                mend = f"mv {folder} /root/, and send again"
            return Link("Maildir", evidence, mend)
    return None


def _folders(mail: Path) -> Iterator[Path]:
    """The mail folder, the domains, the mailboxes, and what a Maildir has in it."""
    yield mail
    for domain in sorted(mail.iterdir()):
        yield domain
        if domain.name.startswith(".") or not domain.is_dir():
            continue  # what the receiver keeps for itself
        for box in sorted(domain.iterdir()):
            yield box
            for part in ("tmp", "new", "cur"):
                if box.is_dir() and os.path.lexists(box / part):
                    yield box / part


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
