"""The socket unit and the service unit: their states in systemd, and whether port 25 listens."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from receiver.doctor.links import Link

SOCKET, SERVICE = "letterbox.socket", "letterbox.service"
RESTART = f"systemctl restart {SERVICE}"
JOURNAL = f"journalctl -u {SERVICE} -n 20"
DEPLOY = "pyinfra inventory.py deploy.py"
_PROPERTIES = "LoadState,ActiveState,SubState,UnitFileState,Result,NRestarts"
_LISTEN = "0A"  # TCP_LISTEN in /proc/net/tcp (proc(5))
_PORT = ":0019"  # port 25 in /proc/net/tcp


def check_socket() -> Link:
    """The socket unit is installed, active and enabled, and port 25 listens on IPv4 and IPv6."""
    unit = _properties(SOCKET)
    if unit.get("LoadState") == "masked":
        return Link("socket", f"{SOCKET} is masked", f"systemctl unmask {SOCKET}, and deploy again")
    if unit.get("LoadState") != "loaded":
        return Link("socket", f"{SOCKET} is not installed", DEPLOY)
    if unit.get("ActiveState") != "active":
        holder = _holder()
        if holder:
            evidence = f"{SOCKET} is {unit.get('ActiveState')}: {holder} holds port 25"
            fix = f"systemctl disable --now {holder}, then systemctl enable --now {SOCKET}"
            return Link("socket", evidence, fix)
        evidence = f"{SOCKET} is {unit.get('ActiveState')} ({unit.get('Result')}): nothing listens on port 25"
        return Link("socket", evidence, f"systemctl enable --now {SOCKET}")
    missing = [name for name, file in (("IPv4", "tcp"), ("IPv6", "tcp6")) if not _listens(file)]
    if missing and Path("/proc/net/tcp6").exists():
        evidence = f"nothing listens on port 25 over {' and '.join(missing)}"
        return Link("socket", evidence, f"systemctl stop {SERVICE}; systemctl restart {SOCKET}")
    if unit.get("UnitFileState") != "enabled":
        evidence = f"{SOCKET} listens now, but will not after a restart of the host"
        return Link("socket", evidence, f"systemctl enable {SOCKET}")
    return Link("socket", "port 25 listens, IPv4 and IPv6")


def _listens(file: str) -> bool:
    """Whether a socket listens on port 25. `file` is tcp or tcp6, of /proc/net."""
    try:
        lines = Path("/proc/net", file).read_text().splitlines()[1:]
    except OSError:
        return False
    return any(line.split()[1].endswith(_PORT) and line.split()[3] == _LISTEN for line in lines)


def _holder() -> str:
    """The unit that holds port 25, or the program if it has no unit; empty if nothing holds it (ss(8))."""
    done = subprocess.run(["ss", "-ltnHp", "sport = :25"], capture_output=True, text=True, check=False)
    found = re.search(r'\(\("([^"]+)",pid=(\d+)', done.stdout)
    if not found:
        return ""
    try:
        unit = Path("/proc", found[2], "cgroup").read_text().strip().rpartition("/")[2]
    except OSError:
        return found[1]
    return unit if unit.endswith(".service") else found[1]


def check_service() -> Link:
    """The service runs, or will start with the next connection."""
    unit = _properties(SERVICE)
    if unit.get("LoadState") != "loaded":
        return Link("service", f"{SERVICE} is {unit.get('LoadState')}", DEPLOY)
    state = f"{unit.get('ActiveState')} ({unit.get('SubState')})"
    if unit.get("ActiveState") == "inactive":
        return Link("service", f"{SERVICE} is {state}: it starts with the next connection")
    if (unit.get("ActiveState"), unit.get("SubState")) != ("active", "running"):
        return Link("service", f"{SERVICE} is {state}: {last_line()}", f"{JOURNAL}; {RESTART}")
    return Link("service", f"{SERVICE} is {state}")


def last_line() -> str:
    """The last line of the service in the journal; if it has none, the last line of systemd about it."""
    done = subprocess.run(
        ["journalctl", "-u", SERVICE, "-n", "20", "-o", "json", "--no-pager"],
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    lines: list[str] = []
    own: list[str] = []
    for entry in map(json.loads, done.stdout.splitlines()):
        message = entry.get("MESSAGE")  # not a string if it is too long or not UTF-8 (journalctl(1))
        if isinstance(message, str) and message.strip():
            lines.append(message)
            if entry.get("_SYSTEMD_UNIT") == SERVICE:
                own.append(message)
    return (own or lines or ["it has no line in the journal"])[-1][:300]


def _properties(unit: str) -> Mapping[str, str]:
    done = subprocess.run(
        ["systemctl", "show", "-p", _PROPERTIES, unit], capture_output=True, text=True, check=False
    )
    return dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
