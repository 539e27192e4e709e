"""Who can answer the receiver's questions to DNS: systemd-resolved, or our own resolver, if the host has it.

The service of our resolver is the first file that the deploy writes, and the last one that it removes. So a
host without that file has nothing of it, and costs no process to ask.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from provision.host import layout

_SERVICE = f"{layout.UNIT_FOLDER}/{layout.RESOLVER_SERVICE}"
_SOCKET = f"{layout.UNIT_FOLDER}/{layout.RESOLVER_SOCKET_UNIT}"
_UNITS = f"{layout.RESOLVER_SERVICE} {layout.RESOLVER_SOCKET_UNIT}"
_CURRENT = f"{layout.RESOLVER_PROGRAM}/current"
ANSWERS, MISSING = "answers", "missing"

# A call without a name costs no question to any nameserver: who knows the call refuses the parameters.
READ_RESOLVED = f"""\
import socket
def read_resolved(path, seconds):
    \"\"\"`{ANSWERS}`, `{MISSING}` if nobody serves the socket or knows the call, or anything else.\"\"\"
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(seconds)
        try: connection.connect(path)
        except (FileNotFoundError, ConnectionRefusedError): return "{MISSING}"
        connection.sendall(b'{{"method":"io.systemd.Resolve.ResolveRecord","parameters":{{}}}}\\0')
        reply = connection.recv(4096)
    if b"MethodNotFound" in reply or b"InterfaceNotFound" in reply: return "{MISSING}"
    return "{ANSWERS}" if b"InvalidParameter" in reply else "unknown"
"""
"""Python for the host, which has no more than the standard library."""

PROBE_RESOLVED = f"[ -S {layout.RESOLVED} ] || echo {MISSING}"
"""The same as far as a host without Python can tell."""

PROBE = f"""\
[ -f {_SERVICE} ] && {{
  sha256sum {_SERVICE} {_SOCKET} | while read -r sum path; do echo ${{path##*.}} $sum; done
  echo program $(readlink {_CURRENT})
  (cd {_CURRENT}/ && sha256sum --status -c manifest && echo whole yes)
  echo enabled $(systemctl is-enabled {layout.RESOLVER_SOCKET_UNIT})
  echo active $(systemctl is-active {layout.RESOLVER_SOCKET_UNIT})
  echo reload $(systemctl show -p NeedDaemonReload --value {_UNITS})
  echo since $(systemctl show --timestamp=us+utc -p ExecMainStartTimestamp --value {layout.RESOLVER_SERVICE})
  echo changed $(stat -c %.6Z {_SERVICE} {_CURRENT})
}}"""


@dataclass(frozen=True, slots=True)
class OwnResolver:
    """What the host has of our resolver. A value is empty if it lacks the thing. Digests are SHA-256."""

    service: str = ""
    socket: str = ""
    """The digests of the two unit files."""
    program: str = ""
    """The release that `current` points to, if it is whole."""
    listens: bool = False
    """Whether the socket is enabled and active."""
    needs_reload: bool = False
    is_old: bool = False
    """Whether the process is older than its unit or its program."""


def parse_own_resolver(lines: Iterable[str]) -> OwnResolver | None:
    """What the probe printed. None if the host has nothing of it."""
    said = {name: rest for name, _, rest in (line.strip().partition(" ") for line in lines)}
    if not said:
        return None
    since, changed = seconds(said.get("since", "")), said.get("changed", "").split()
    return OwnResolver(
        service=said.get("service", ""),
        socket=said.get("socket", ""),
        program=said.get("program", "") if said.get("whole") else "",
        listens=(said.get("enabled"), said.get("active")) == ("enabled", "active"),
        needs_reload="yes" in said.get("reload", ""),
        is_old=since > 0 and any(float(each) > since for each in changed),
    )


def parse_resolved(word: str) -> bool | None:
    """Whether systemd-resolved can be asked. None if nobody tells."""
    return {ANSWERS: True, MISSING: False}.get(word)


def seconds(timestamp: str | None) -> float:
    """A timestamp as `systemctl --timestamp=us+utc` prints it, in seconds since the epoch. 0 for none."""
    try:
        _, day, time, _ = (timestamp or "").split()
        return datetime.fromisoformat(f"{day}T{time}+00:00").timestamp()
    except ValueError:
        return 0.0
