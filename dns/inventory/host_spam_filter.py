"""The spam filter that a host's receiver asks, read from the inventory. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from dns.names import did_you_mean

KEY = "spam_filter"
_KEYS = ("socket", "refuses")
_LONGEST_PATH = 107  # octets (unix(7))
# The service sees none of them: ProtectHome and PrivateTmp in its unit.
_HIDDEN = ("/home", "/root", "/run/user", "/tmp", "/var/tmp")  # noqa: S108
_EXAMPLE = '"/run/rspamd/normal.sock"'


@dataclass(frozen=True, slots=True)
class SpamFilter:
    """An rspamd that listens on the Unix socket of this path. `refuses` is whether spam is refused."""

    socket: str
    refuses: bool = False


def from_data(data: Mapping[str, object], problems: list[str]) -> SpamFilter | None:
    """The filter, or None if the host has none. `problems` gets what is wrong."""
    value = data.get(KEY)
    if value is None or value is False:
        return None
    given: Mapping[object, object] = value if isinstance(value, Mapping) else {"socket": value}
    problems += [
        f"{KEY}: unknown key {key}{did_you_mean(str(key), _KEYS)}: the known keys are {', '.join(_KEYS)}"
        for key in given
        if key not in _KEYS
    ]
    refuses = given.get("refuses", False)
    if not isinstance(refuses, bool):
        problems.append(f"{KEY}: refuses must be True or False, not {refuses!r}")
    socket = given.get("socket")
    if problem := _path_problem(socket):
        problems.append(f"{KEY}: {problem}")
    return SpamFilter(str(socket), refuses is True)


def _path_problem(path: object) -> str:
    if not isinstance(path, str) or not path.isprintable() or not path.startswith("/"):
        return f"socket must be the absolute path of rspamd's Unix socket, as {_EXAMPLE}, not {path!r}"
    if len(path.encode()) > _LONGEST_PATH:
        return f"socket {path} has more than {_LONGEST_PATH} octets: let rspamd listen on {_EXAMPLE}"
    for hidden in _HIDDEN:
        if PurePosixPath(path).is_relative_to(hidden):
            return f"the service cannot see {hidden}: let rspamd listen elsewhere, as on {_EXAMPLE}"
    return ""
