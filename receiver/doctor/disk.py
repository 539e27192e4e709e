"""Checks of the disk: space for mail, and whether the service's user may write to the mail folder."""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterator
from pathlib import Path

from receiver.cli import terminal
from receiver.config.values import Config
from receiver.doctor.links import Link
from receiver.keeping.usage import Counter

_FEWEST_INODES = 100
_NEAR = 0.9  # of its quota, from which on a mailbox is named


def check_space(config: Config) -> Link:
    """The file system has space for two messages of the largest size, has inodes, and is not read-only."""
    try:
        system = os.statvfs(config.mail)
    except OSError as error:
        evidence = f"{config.mail}: {error.strerror}"
        return Link("disk", evidence, f"install -d -m 700 -o letterbox -g letterbox {config.mail}")
    free, wanted = system.f_bavail * system.f_frsize, 2 * config.limits.message_size
    where = f"the file system of {config.mail}"
    fix = f"make room: df -h {config.mail}; du -xh -d1 {config.mail}; journalctl --vacuum-size=100M"
    if system.f_flag & os.ST_RDONLY:
        return Link("disk", f"{where} is mounted read-only", f"mount -o remount,rw {_mount(config.mail)}")
    if free < wanted:
        evidence = f"{where} has {terminal.size(free)} left, and needs {terminal.size(wanted)}"
        return Link("disk", evidence, fix)
    if system.f_files and system.f_favail < _FEWEST_INODES:
        evidence = f"{where} has {system.f_favail} inodes left"
        return Link("disk", evidence, f"make room: df -i {config.mail}")
    return Link("disk", f"{terminal.size(free)} free")


def check_quotas(config: Config) -> Link:
    """No mailbox holds its quota. Senders to one that does are told to try again later (452 4.2.2)."""
    counter, used = Counter(config.mail), {}
    for mailbox in config.quota:
        try:
            used[mailbox] = counter.octets(mailbox)
        except OSError as error:
            evidence = f"{mailbox} cannot be counted, and takes mail: {error.strerror}"
            return Link("quota", evidence, look=f"ls -la {config.mail}/{mailbox.domain}")
    shares = sorted(((used[box] / limit, str(box)) for box, limit in config.quota.items()), reverse=True)
    full, near = ([name for share, name in shares if share >= least] for least in (1, _NEAR))
    if full:
        return Link(
            "quota",
            f"{', '.join(full)}: the mailbox is full, and its mail is deferred with 452 4.2.2",
            f"remove mail, or raise its quota in inventory.py: du -sh {config.mail}/*/*; docs/keep.md",
        )
    if near:
        return Link("quota", f"{', '.join(near)}: more than {_NEAR:.0%} of the quota is used")
    return Link("quota", f"{shares[0][1]} uses most of its quota: {shares[0][0]:.0%}")


def _mount(path: Path) -> Path:
    return next(each for each in (path, *path.parents) if each.is_mount())


def check_folders(config: Config, user: str | None) -> Link | None:
    """The broken link for the first folder that the service's user cannot write to; None if there is none.

    `user` is the service's user; if it is None, the owner of the mail folder.
    """
    owner = pwd.getpwnam(user) if user else pwd.getpwuid(config.mail.stat().st_uid)
    for parent in reversed(config.mail.parents):
        state = parent.stat()
        mine = 6 if state.st_uid == owner.pw_uid else 3 if state.st_gid == owner.pw_gid else 0
        if owner.pw_uid and not state.st_mode >> mine & os.X_OK:
            evidence = (
                f"{parent} belongs to {_user_name(state.st_uid)} with mode {state.st_mode & 0o777:o}, "
                f"and {owner.pw_name} cannot enter it"
            )
            fix = f"chown {owner.pw_name}: {parent} && chmod 700 {parent}"
            return Link("Maildir", evidence, fix if parent == config.mail.parent else f"chmod o+x {parent}")
    for folder in _folders(config.mail):
        state = folder.lstat()
        is_good = state.st_uid == owner.pw_uid and state.st_mode & 0o700 == 0o700 and folder.is_dir()
        if not is_good or folder.is_symlink():
            kind = "folder" if folder.is_dir() else "file"
            evidence = (
                f"{folder} is a {kind} of {_user_name(state.st_uid)} with mode {state.st_mode & 0o777:o}, "
                f"and {owner.pw_name} cannot deliver into it"
            )
            fix = f"chown -R {owner.pw_name}: {config.mail} && chmod -R u+rwX {config.mail}"
            if not folder.is_dir() or folder.is_symlink():
                fix = f"mv {folder} /root/"
            return Link("Maildir", evidence, fix)
    return None


def _folders(mail: Path) -> Iterator[Path]:
    """The mail folder, and below it the folders of domains, of mailboxes, and of the Maildirs."""
    yield mail
    for domain in sorted(mail.iterdir()):
        yield domain
        if domain.name.startswith(".") or not domain.is_dir():
            continue  # The receiver's own folders begin with a dot.
        for box in sorted(domain.iterdir()):
            yield box
            for part in ("tmp", "new", "cur"):
                if box.is_dir() and os.path.lexists(box / part):
                    yield box / part


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
