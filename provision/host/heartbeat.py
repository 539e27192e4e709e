"""What a host has of the heartbeat, read from what the probe printed.

Its service is the first file that the deploy writes, and the last one that it removes. So a host without that
file has nothing of it, and costs no process to ask.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from provision.host import layout

UNITS = (
    layout.HEARTBEAT_SERVICE,
    layout.HEARTBEAT_TIMER,
    layout.HEARTBEAT_LOOK,
    layout.HEARTBEAT_LOOK_SOCKET,
    layout.HEARTBEAT_FAILED,
)
_SERVICE = f"{layout.UNIT_FOLDER}/{layout.HEARTBEAT_SERVICE}"
_LOADED = f"{layout.HEARTBEAT_SERVICE} {layout.HEARTBEAT_TIMER} {layout.HEARTBEAT_LOOK_SOCKET}"
_CURRENT = f"{layout.HEARTBEAT_PROGRAM}/current"

PROBE = f"""\
[ -f {_SERVICE} ] && {{
  echo user $(id -u {layout.HEARTBEAT_USER})
  (cd {layout.UNIT_FOLDER} && sha256sum {" ".join(UNITS)} |
    while read -r sum name; do echo unit $name $sum; done)
  echo program $(readlink {_CURRENT})
  (cd {_CURRENT}/ && sha256sum --status -c manifest && echo whole yes)
  [ -s {layout.HEARTBEAT_ADDRESS} ] && echo rights $(stat -c '%U:%G:%a' {layout.HEARTBEAT_ADDRESS})
  echo address $(cat {layout.HEARTBEAT_ADDRESS}.sha256)
  echo enabled $(systemctl is-enabled {layout.HEARTBEAT_TIMER} {layout.HEARTBEAT_LOOK_SOCKET})
  echo active $(systemctl is-active {layout.HEARTBEAT_TIMER} {layout.HEARTBEAT_LOOK_SOCKET})
  echo reload $(systemctl show -p NeedDaemonReload --value {_LOADED})
  for box in {layout.MAIL}/*/.heartbeat; do [ -d "$box/new" ] && [ ! -L "$box" ] && echo box "$box"; done
}}"""


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """What is there. A value is empty if the host lacks the thing. Digests are SHA-256 in hexadecimal."""

    has_user: bool = False
    units: Mapping[str, str] = field(default_factory=dict)
    """The digests of its unit files, by their names."""
    program: str = ""
    """The release that `current` points to, if it is whole."""
    address: str = ""
    """The digest of the switch's address, if its encrypted file is there and root's alone."""
    runs: bool = False
    """Whether the timer and the socket are enabled and active."""
    needs_reload: bool = False
    boxes: frozenset[str] = frozenset()
    """The Maildirs for test messages."""


def parse_heartbeat(lines: Iterable[str]) -> Heartbeat | None:
    """What the probe printed. None if the host has nothing of it."""
    said: dict[str, str] = {}
    units: dict[str, str] = {}
    boxes: set[str] = set()
    for line in lines:
        name, _, rest = line.strip().partition(" ")
        if name == "unit":
            unit, _, units[unit] = rest.partition(" ")
        elif name == "box":
            boxes.add(rest)
        else:
            said[name] = rest
    if not said:
        return None
    return Heartbeat(
        has_user=bool(said.get("user")),
        units=units,
        program=said.get("program", "") if said.get("whole") else "",
        address=said.get("address", "") if said.get("rights") == "root:root:600" else "",
        runs=(said.get("enabled"), said.get("active")) == ("enabled enabled", "active active"),
        needs_reload="yes" in said.get("reload", ""),
        boxes=frozenset(boxes),
    )
