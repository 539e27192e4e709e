"""Checking a configuration on this machine: the certificate's files, the mail folder, the queues, the bucket.

`letterbox check` prints all problems without serving. Each is certain to make serving fail for the user who
runs the check.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable
from pathlib import Path

from receiver import bucket_queue, hook_queue
from receiver.config.values import Config
from receiver.mailbox import Mailbox
from receiver.smtp.certificate import Certificate, CertificateError


def problems(config: Config) -> list[str]:
    """The problems of the configuration, each as `key: reason`."""
    return [
        *mail_problems(config.mail), *hook_problems(config), *store_problems(config), *tls_problems(config)
    ]  # fmt: skip


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
        found += _queue_problems(config, key, pending, hook.wants, points)
    return found


def store_problems(
    config: Config, mounts: Callable[[], str] = Path("/proc/self/mountinfo").read_text
) -> list[str]:
    """The problems of the table [store] that are certain to keep all mail from being accepted.

    Under the promise of the disk these are problems of the bucket's queue, of which there are at most two. If
    the socket is missing then, the queue grows, and mail is accepted. `mounts` is as for hooks.
    """
    store = config.store
    if store is None:
        return []
    if store.waits_for_bucket:
        return _socket_problems(store.socket)
    pending = bucket_queue.queue(config.mail).pending
    return _queue_problems(config, "store", pending, bucket_queue.wants, _mount_points(mounts))


def _socket_problems(path: Path) -> list[str]:
    """The problem that keeps this user from connecting to a socket, if it can be seen without connecting."""
    key, unit = f"store.socket: {path}", "letterbox-bucket.socket"
    try:
        is_socket = stat.S_ISSOCK(path.stat().st_mode)
    except OSError as error:
        return [f"{key}: {error.strerror}: {unit} makes it; is the unit running?"]
    if not is_socket:
        return [f"{key}: is no socket: {unit} makes one in its place"]
    if not os.access(path, os.W_OK):
        return [f"{key}: user {os.geteuid()} may not connect to it: see SocketUser= of {unit}"]
    return []


def _queue_problems(
    config: Config, key: str, pending: Path, wants: Callable[[Mailbox], bool], points: set[str]
) -> list[str]:
    """The problems that keep links from being made in a queue: at most two."""
    found = _folder_problems(key, pending)
    for domain in config.domains:
        for name in sorted(domain.mailboxes or ()):
            folder = config.mail / domain.name / name
            if not wants(Mailbox(domain.name, name)):
                continue
            if _mount_point(folder, points) != _mount_point(pending, points):
                found.append(
                    f"{key}: {folder} is on another mount than {pending}, so that no link can lead from one"
                    " to the other: mount the whole mail folder, and no folder in it"
                )
                return found
    return found


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
