"""The configuration file as the commands for people read it.

They do not check it, because an error elsewhere in the file must not keep people from reading their mail.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path

from receiver.cli.command import Failure

PATH = Path("/etc/letterbox/letterbox.toml")


def read_table(path: Path | None) -> Mapping[str, object]:
    """Parse the TOML file at `path` (default: the host's configuration). Raises Failure."""
    path = path or PATH
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (FileNotFoundError, IsADirectoryError):
        raise Failure(f"{path}: no such file: deploy to this host, or name another with --config") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Failure(f"{path}: is not TOML: {error}", os.EX_CONFIG) from None


def mail_folder(path: Path | None) -> Path:
    """The mail folder that the configuration at `path` names. Raises Failure."""
    mail = read_table(path).get("mail")
    if not isinstance(mail, str):
        raise Failure(f"{path or PATH}: mail: missing", os.EX_CONFIG)
    return Path(mail)
