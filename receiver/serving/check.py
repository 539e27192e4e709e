"""What a configuration needs of the machine: the certificate's files, and a mail folder that can be written.

`letterbox check` says it all without starting; what is said is certain to fail, for the user that asks.
"""

from __future__ import annotations

import os
from pathlib import Path

from receiver.config.values import Config
from receiver.smtp.certificate import Certificate, CertificateError


def problems(config: Config) -> list[str]:
    """`key: reason` for each, none where all is well."""
    return [*mail_problems(config.mail), *tls_problems(config)]


def tls_problems(config: Config) -> list[str]:
    """What keeps the certificate from being used."""
    if config.tls is None:
        return []
    try:
        Certificate(config.tls)
    except CertificateError as error:
        return [str(error)]
    return []


def mail_problems(mail: Path) -> list[str]:
    """What keeps mail from being stored: asked of the folder, or of the first above it that is there."""
    try:
        folder = next(each for each in (mail, *mail.parents) if os.path.lexists(each))
    except OSError as error:
        return [f"mail: {mail}: {error.strerror}"]
    why = "is" if folder == mail else f"cannot be made, as {folder} is"
    if not folder.is_dir():
        return [f"mail: {mail}: {why} not a folder"]
    if os.statvfs(folder).f_flag & os.ST_RDONLY:
        return [f"mail: {mail}: {why} on a read-only file system"]
    if not os.access(folder, os.W_OK | os.X_OK):
        return [f"mail: {mail}: {why} not writable for user {os.geteuid()}"]
    return []
