"""Checking a configuration on this machine: the certificate's files, the mail folder, the queues of hooks.

`letterbox check` prints all problems without serving. Each is certain to make serving fail for the user who
runs the check.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from receiver import hook_queue
from receiver.config.values import Config
from receiver.mailbox import Mailbox
from receiver.smtp.certificate import Certificate, CertificateError


def problems(config: Config) -> list[str]:
    """The problems of the configuration, each as `key: reason`."""
    return [*mail_problems(config.mail), *hook_problems(config), *tls_problems(config)]


def tls_problems(config: Config) -> list[str]:
    """The problem that keeps the certificate from being used, if there is one."""
    if config.tls is None:
        return []
    try:
        Certificate(config.tls)
    except CertificateError as error:
        return [str(error)]
    return []


def mail_problems(mail: Path) -> list[str]:
    """The problem that keeps mail from being stored, if there is one."""
    return _folder_problems("mail", mail)


def hook_problems(
    config: Config, mounts: Callable[[], str] = Path("/proc/self/mountinfo").read_text
) -> list[str]:
    """The problems that keep links from being made for hooks: at most two for each hook.

    `mounts` reads /proc/self/mountinfo (proc(5)). link(2) fails between two mounts, also of one file system.
    """
    if not config.hooks:
        return []
    found = []
    points = _mount_points(mounts)
    for hook in config.hooks:
        key, pending = f"hooks.{hook.name}", hook_queue.queue(config.mail, hook.name).pending
        found += _folder_problems(key, pending)
        for mailbox in _mailboxes(config, hook):
            folder = config.mail / mailbox.domain / mailbox.name
            if _mount_point(folder, points) != _mount_point(pending, points):
                found.append(
                    f"{key}: {folder} is on another mount than {pending}, so that no link can lead from one"
                    " to the other: mount the whole mail folder, and no folder in it"
                )
                break
    return found


def _mailboxes(config: Config, hook: hook_queue.Hook) -> Iterator[Mailbox]:
    """The mailboxes that the hook gets."""
    for domain in config.domains:
        for name in sorted(domain.mailboxes or ()):
            mailbox = Mailbox(domain.name, name)
            if hook.wants(mailbox):
                yield mailbox


def _mount_points(mounts: Callable[[], str]) -> set[str]:
    """All mount points; none if they cannot be read. Then a message that cannot be linked says so."""
    try:
        lines = mounts().splitlines()
    except OSError:
        return set()
    # A blank in a path is written as \040, and some other characters alike.
    return {re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), each.split()[4]) for each in lines}


def _mount_point(path: Path, points: set[str]) -> str:
    """The mount point that the path lies under. The path may be missing yet."""
    real = Path(os.path.realpath(path))
    return next((str(each) for each in (real, *real.parents) if str(each) in points), "/")


def _folder_problems(key: str, wanted: Path) -> list[str]:
    """The problem that keeps files from being made in a folder, if there is one.

    It is a problem of the folder, or of the nearest path above it that exists.
    """
    try:
        folder = next(each for each in (wanted, *wanted.parents) if os.path.lexists(each))
    except OSError as error:
        return [f"{key}: {wanted}: {error.strerror}"]
    start = "is" if folder == wanted else f"cannot be made, because {folder} is"
    if not folder.is_dir() or wanted.is_symlink():
        return [f"{key}: {wanted}: {start} not a folder"]
    if os.statvfs(folder).f_flag & os.ST_RDONLY:
        return [f"{key}: {wanted}: {start} on a read-only file system"]
    if not os.access(folder, os.W_OK | os.X_OK):
        return [f"{key}: {wanted}: {start} not writable for user {os.geteuid()}"]
    return []
