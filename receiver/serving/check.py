"""Checking a configuration on this machine: the certificate's files, and write access to the mail folder.

`letterbox check` prints all problems without serving. Each is certain to make serving fail for the user who
runs the check.
"""

from __future__ import annotations

import os
from pathlib import Path

from receiver.config.values import Config
from receiver.smtp.certificate import Certificate, CertificateError


def problems(config: Config) -> list[str]:
    """The problems of the configuration, each as `key: reason`."""
    return [*mail_problems(config.mail), *tls_problems(config)]


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
    """The problem that keeps mail from being stored, if there is one.

    It is a problem of the mail folder, or of the nearest path above it that exists.
    """
    try:
        folder = next(each for each in (mail, *mail.parents) if os.path.lexists(each))
    except OSError as error:
        return [f"mail: {mail}: {error.strerror}"]
    start = "is" if folder == mail else f"cannot be made, because {folder} is"
    if not folder.is_dir():
        return [f"mail: {mail}: {start} not a folder"]
    if os.statvfs(folder).f_flag & os.ST_RDONLY:
        return [f"mail: {mail}: {start} on a read-only file system"]
    if not os.access(folder, os.W_OK | os.X_OK):
        return [f"mail: {mail}: {start} not writable for user {os.geteuid()}"]
    return []
