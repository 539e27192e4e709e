"""What a host has of the bucket's units, read from what the probe printed, and what waits for the bucket.

The service is the first file that the deploy writes, and the last one that it removes. What waits lies with
the mail, and outlives the units. So a host with neither costs no process to ask.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from provision.host import layout
from provision.host.services.resolver import seconds

UNITS = (layout.BUCKET_SERVICE, layout.BUCKET_SOCKET_UNIT, layout.PUSH_SERVICE, layout.PULL_SERVICE)
_CURRENT = f"{layout.BUCKET_PROGRAM}/current"
_CONFIG, _KEY = layout.BUCKET_CONFIGURATION, layout.BUCKET_KEY
_SHOWN = "Id,ActiveState,UnitFileState,NeedDaemonReload,ExecMainStartTimestamp"
# What each process was started from. The two that move mail run the receiver's program.
_STARTED_FROM = {
    layout.BUCKET_SERVICE: f"{_CURRENT} {_CONFIG} {_KEY}",
    layout.PUSH_SERVICE: f"{layout.CURRENT} {layout.CONFIGURATION}",
    layout.PULL_SERVICE: f"{layout.CURRENT} {layout.CONFIGURATION}",
}
_CHANGED = "\n".join(
    f"  echo changed {unit} $(stat -c %.6Z {unit} {of})" for unit, of in _STARTED_FROM.items()
)

PROBE = f"""\
cd {layout.UNIT_FOLDER} && [ -f {layout.BUCKET_SERVICE} ] && {{
  sha256sum {" ".join(UNITS)} | while read -r sum name; do echo unit $name $sum; done
  echo program $(readlink {_CURRENT})
  (cd {_CURRENT}/ && sha256sum --status -c manifest && echo whole yes)
  [ "$(stat -c %U:%G:%a {_CONFIG})" = root:root:644 ] && echo config $(base64 -w0 {_CONFIG})
  [ -s {_KEY} ] && [ "$(stat -c %U:%G:%a {_KEY})" = root:root:600 ] && echo key $(cat {_KEY}.sha256)
  systemctl show --timestamp=us+utc -p {_SHOWN} {" ".join(UNITS)} | sed 's/^/show /'
{_CHANGED}
}}
cd {layout.BUCKET_STATE} && {{
  echo state yes
  echo pending $(ls -U pending | wc -l)
  echo late $(find pending -type f -mmin +1 | wc -l)
  [ -s pushed ] && echo pushed yes
}}"""


@dataclass(frozen=True, slots=True)
class Bucket:
    """What is there. A value is empty if the host lacks the thing. Digests are SHA-256 in hexadecimal."""

    units: Mapping[str, str] = field(default_factory=dict)
    """The digests of the unit files, by their names."""
    program: str = ""
    """The release that `current` points to, if it is whole."""
    config: str = ""
    """The text of bucket.toml, if its owner and mode are right."""
    key: str = ""
    """The digest of the key pair, if its encrypted file is there and root's alone."""
    active: frozenset[str] = frozenset()
    enabled: frozenset[str] = frozenset()
    """The names of the units that systemd says this of."""
    needs_reload: bool = False
    old: frozenset[str] = frozenset()
    """The names of the units whose process is older than what it was started from."""
    has_state: bool = False
    """Whether the mail folder has a folder for what goes to the bucket and comes from it."""
    pending: int = 0
    """How many messages wait for the bucket."""
    late: int = 0
    """How many of them came more than a minute ago."""
    pushed: bool = False
    """Whether `letterbox push` has once sent all that this host had."""

    @property
    def held_up(self) -> int:
        """How many messages wait and do not just pass through. A host that gets mail always has some."""
        moves = layout.PUSH_SERVICE in self.active and layout.BUCKET_SOCKET_UNIT in self.active
        return self.late if moves else self.pending

    def runs(self, name: str) -> bool:
        """Whether the unit runs, and will after the next boot. The service is started by its socket."""
        return name in self.active and (name in self.enabled or name == layout.BUCKET_SERVICE)


def parse_bucket(lines: Iterable[str]) -> Bucket:
    """What the probe printed."""
    said: dict[str, str] = {}
    units: dict[str, str] = {}
    changed: dict[str, list[str]] = {}
    shown: list[str] = []
    for line in lines:
        word, _, rest = line.strip().partition(" ")
        if word == "show":
            shown.append(rest)
        elif word == "unit":
            name, _, units[name] = rest.partition(" ")
        elif word == "changed":
            name, _, times = rest.partition(" ")
            changed[name] = times.split()
        else:
            said[word] = rest
    states = _states(shown)
    pending, late = said.get("pending", ""), said.get("late", "")
    return Bucket(
        units=units,
        program=said.get("program", "") if said.get("whole") else "",
        config=_text(said.get("config", "")),
        key=said.get("key", ""),
        active=frozenset(name for name, each in states.items() if each.get("ActiveState") == "active"),
        enabled=frozenset(name for name, each in states.items() if each.get("UnitFileState") == "enabled"),
        needs_reload=any(each.get("NeedDaemonReload") == "yes" for each in states.values()),
        old=frozenset(
            name
            for name, times in changed.items()
            if (since := seconds(states.get(name, {}).get("ExecMainStartTimestamp"))) > 0
            and any(float(each) > since for each in times)
        ),
        has_state="state" in said,
        pending=int(pending) if pending.isdecimal() else 0,
        late=int(late) if late.isdecimal() else 0,
        pushed="pushed" in said,
    )


def _states(lines: Iterable[str]) -> dict[str, dict[str, str]]:
    """The properties of each unit, by its name, from what `systemctl show` printed."""
    blocks = (block.splitlines() for block in "\n".join(lines).split("\n\n"))
    found = (dict(line.split("=", 1) for line in block if "=" in line) for block in blocks)
    return {each["Id"]: each for each in found if "Id" in each}


def _text(packed: str) -> str:
    try:
        return base64.b64decode(packed).decode()
    except (binascii.Error, ValueError):
        return ""
