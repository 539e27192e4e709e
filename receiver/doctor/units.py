"""The socket unit and the service unit: their states in systemd, and whether port 25 listens."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from receiver.doctor.links import Link

SOCKET, SERVICE = "letterbox.socket", "letterbox.service"
RESTART = f"systemctl restart {SERVICE}"
JOURNAL = f"journalctl -u {SERVICE} -n 20"
DEPLOY = "pyinfra inventory.py deploy.py"
RENEW = "pyinfra inventory.py renew.py"
_PROPERTIES = (
    "LoadState,ActiveState,SubState,UnitFileState,Result,NRestarts,NeedDaemonReload,DropInPaths,MainPID"
)
REOPEN = f"systemctl stop {SERVICE}; systemctl restart {SOCKET}"
_LISTEN = "0A"  # TCP_LISTEN in /proc/net/tcp (proc(5))
_PORT = ":0019"  # port 25 in /proc/net/tcp


def check_socket() -> Link:
    """The socket unit is installed, active and enabled, and port 25 listens on IPv4 and IPv6."""
    unit = properties(SOCKET)
    if unit.get("LoadState") == "masked":
        return Link("socket", f"{SOCKET} is masked", f"systemctl unmask {SOCKET} && {DEPLOY}")
    if unit.get("LoadState") != "loaded":
        return Link("socket", f"{SOCKET} is not installed", DEPLOY)
    if unit.get("ActiveState") != "active":
        holder = _holder()
        if holder:
            evidence = f"{SOCKET} is {unit.get('ActiveState')}: {holder} holds port 25"
            stop = f"systemctl disable --now {holder.unit}" if holder.unit else f"kill {holder.pid}"
            return Link("socket", evidence, f"{stop}; systemctl enable --now {SOCKET}")
        evidence = f"{SOCKET} is {unit.get('ActiveState')} ({unit.get('Result')}): nothing listens on port 25"
        return Link("socket", evidence, f"systemctl enable --now {SOCKET}")
    if stale := not_loaded(SOCKET, unit):
        return Link("socket", stale, f"systemctl daemon-reload; {REOPEN}")
    families = (("IPv4", "tcp"), ("IPv6", "tcp6"))
    missing = [name for name, file in families if Path("/proc/net", file).exists() and not _listens(file)]
    if missing:
        evidence = f"port 25 does not listen on all addresses over {' and '.join(missing)}"
        if drop_ins := unit.get("DropInPaths", "").split():
            fix = f"rm {' '.join(drop_ins)}; systemctl daemon-reload; {REOPEN}"
            return Link("socket", f"{evidence}: {SOCKET} is changed by {', '.join(drop_ins)}", fix)
        holder = _holder()
        if holder and holder.program not in ("systemd", "letterbox"):
            evidence = f"{evidence}: {holder} holds it"
        return Link("socket", evidence, f"{REOPEN}; if it stays so: {DEPLOY}")
    if unit.get("UnitFileState") != "enabled":
        evidence = f"{SOCKET} listens now, but will not after a restart of the host"
        return Link("socket", evidence, f"systemctl enable {SOCKET}")
    drop_ins = unit.get("DropInPaths", "").split()
    by = f"; the unit is changed by {', '.join(drop_ins)}" if drop_ins else ""
    return Link("socket", f"port 25 listens, IPv4 and IPv6{by}")


def _listens(file: str) -> bool:
    """Whether a socket listens on port 25 of all addresses. `file` is tcp or tcp6, of /proc/net."""
    try:
        lines = Path("/proc/net", file).read_text().splitlines()[1:]
    except OSError:
        return False
    places = [line.split()[1] for line in lines if line.split()[3] == _LISTEN]
    return any(place.endswith(_PORT) and not place.removesuffix(_PORT).strip("0") for place in places)


@dataclass(frozen=True, slots=True)
class Holder:
    """A program that holds port 25, and its unit. `unit` is empty if it has none."""

    program: str
    pid: int
    unit: str

    def __str__(self) -> str:
        return f"{self.program} (pid {self.pid}{', ' if self.unit else ''}{self.unit})"


def _holder() -> Holder | None:
    """Who holds port 25 (ss(8)). None if nobody does."""
    done = subprocess.run(["ss", "-ltnHp", "sport = :25"], capture_output=True, text=True, check=False)
    found = re.search(r'\(\("([^"]+)",pid=(\d+)', done.stdout)
    if not found:
        return None
    try:
        unit = Path("/proc", found[2], "cgroup").read_text().strip().rpartition("/")[2]
    except OSError:
        unit = ""
    return Holder(found[1], int(found[2]), unit if unit.endswith(".service") else "")


def not_loaded(name: str, unit: Mapping[str, str]) -> str:
    """That systemd has not read the unit's files since they were changed; empty if it has."""
    if unit.get("NeedDaemonReload") != "yes":
        return ""
    return f"the files of {name} have changed, and systemd has not read them since"


def check_service() -> Link:
    """The service runs, or will start with the next connection."""
    unit = properties(SERVICE)
    if unit.get("LoadState") != "loaded":
        return Link("service", f"{SERVICE} is {unit.get('LoadState')}", DEPLOY)
    state = f"{unit.get('ActiveState')} ({unit.get('SubState')})"
    drop_ins = unit.get("DropInPaths", "").split()
    by = f", changed by {', '.join(drop_ins)}" if drop_ins else ""
    if unit.get("ActiveState") == "inactive":
        return Link("service", f"{SERVICE} is {state}: it starts with the next connection")
    if (unit.get("ActiveState"), unit.get("SubState")) != ("active", "running"):
        fix = f"{JOURNAL}; {RESTART}"
        if drop_ins:
            fix = f"rm {' '.join(drop_ins)}; systemctl daemon-reload; {RESTART}"
        return Link("service", f"{SERVICE} is {state}{by}: {last_line()}", fix)
    if stale := not_loaded(SERVICE, unit):
        return Link("service", stale, f"systemctl daemon-reload; {RESTART}")
    if unit.get("UnitFileState") not in ("enabled", "enabled-runtime"):
        evidence = f"{SERVICE} runs now, but is not enabled"
        return Link("service", evidence, f"systemctl enable {SERVICE}")
    return Link("service", f"{SERVICE} is {state}{by}")


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


def properties(unit: str) -> Mapping[str, str]:
    done = subprocess.run(
        ["systemctl", "show", "-p", _PROPERTIES, unit], capture_output=True, text=True, check=False
    )
    return dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
