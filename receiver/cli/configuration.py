"""The configuration as commands read it: unchecked, as mail can be read whatever else is wrong there."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

from receiver.cli.command import EX_CONFIG, Failure

PATH = Path("/etc/letterbox/letterbox.toml")


def read_table(path: Path | None) -> Mapping[str, object]:
    """The table of that file, by default the host's. Raises Failure."""
    path = path or PATH
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (FileNotFoundError, IsADirectoryError):
        raise Failure(f"{path}: there is no such file: name another with --config, or use --mail") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Failure(f"{path}: is not TOML: {error}", EX_CONFIG) from None


def mail_of(path: Path | None) -> Path:
    """The mail folder that the file names. Raises Failure."""
    said = read_table(path).get("mail")
    if not isinstance(said, str):
        raise Failure(f"{path or PATH}: mail: missing", EX_CONFIG)
    return Path(said)
