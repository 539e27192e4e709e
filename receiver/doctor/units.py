"""Socket and service, as systemd sees them and as the kernel does."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from receiver.doctor.links import Link

SOCKET, SERVICE = "letterbox.socket", "letterbox.service"
_PROPERTIES = "LoadState,ActiveState,SubState,UnitFileState,Result,NRestarts"
_LISTEN = "0A"  # TCP_LISTEN, in /proc/net/tcp


def listening() -> Link:
    """The socket unit is there, starts at boot, is active, and the kernel listens on 25 in both families."""
    unit = _shown(SOCKET)
    if unit.get("LoadState") == "masked":
        return Link("socket", f"{SOCKET} is masked", f"systemctl unmask {SOCKET}, and deploy again")
    if unit.get("LoadState") != "loaded":
        return Link("socket", f"{SOCKET} is not installed", "pyinfra inventory.py deploy.py")
    if unit.get("ActiveState") != "active":
        holder = _holder()
        if holder:
            evidence = f"{SOCKET} is {unit.get('ActiveState')}: {holder} holds port 25"
            mend = f"systemctl disable --now {holder}, then systemctl enable --now {SOCKET}"
            return Link("socket", evidence, mend)
        evidence = f"{SOCKET} is {unit.get('ActiveState')} ({unit.get('Result')}): nothing listens on port 25"
        return Link("socket", evidence, f"systemctl enable --now {SOCKET}")
    missing = [name for name, file in (("IPv4", "tcp"), ("IPv6", "tcp6")) if not _listens(file)]
    if missing and Path("/proc/net/tcp6").exists():
        evidence = f"nothing listens on port 25 over {' and '.join(missing)}"
        return Link("socket", evidence, f"systemctl stop {SERVICE}; systemctl restart {SOCKET}")
    if unit.get("UnitFileState") != "enabled":
        evidence = f"{SOCKET} listens now, and does not after a restart of the host"
        return Link("socket", evidence, f"systemctl enable {SOCKET}")
    return Link("socket", "port 25 listens, IPv4 and IPv6")


def _listens(file: str) -> bool:
    try:
        lines = Path("/proc/net", file).read_text().splitlines()[1:]
    except OSError:
        return False
    return any(line.split()[1].endswith(":0019") and line.split()[3] == _LISTEN for line in lines)


def _holder() -> str:
    """The unit that holds port 25 where we do not, or the program without one; empty if there is none."""
    said = subprocess.run(["ss", "-ltnHp", "sport = :25"], capture_output=True, text=True, check=False).stdout
    found = re.search(r'\(\("([^"]+)",pid=(\d+)', said)
    if not found:
        return ""
    try:
        unit = Path("/proc", found[2], "cgroup").read_text().strip().rpartition("/")[2]
    except OSError:
        return found[1]
    return unit if unit.endswith(".service") else found[1]


def running() -> Link:
    """The service runs, or will with the next connection."""
    unit = _shown(SERVICE)
    if unit.get("LoadState") != "loaded":
        return Link("service", f"{SERVICE} is {unit.get('LoadState')}", "pyinfra inventory.py deploy.py")
    state = f"{unit.get('ActiveState')} ({unit.get('SubState')})"
    if unit.get("ActiveState") == "inactive":
        return Link("service", f"{SERVICE} is {state}: it starts with the next connection")
    if (unit.get("ActiveState"), unit.get("SubState")) != ("active", "running"):
        return Link("service", f"{SERVICE} is {state}: {last_words()}", f"{_JOURNAL}; {_RESTART}")
    return Link("service", f"{SERVICE} is {state}")


_JOURNAL = f"journalctl -u {SERVICE} -n 20"
_RESTART = f"systemctl restart {SERVICE}"


def last_words() -> str:
    """The last line that the service, or systemd about it, wrote to the journal."""
    done = subprocess.run(
        ["journalctl", "-u", SERVICE, "-n", "20", "-o", "cat", "--no-pager"],
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    said = [line for line in done.stdout.splitlines() if line.strip()]
    own = [line for line in said if not line.startswith((SERVICE, "Start", "Stop", "Schedul", "Fail"))]
    return (own or said or ["it left no word in the journal"])[-1][:300]


def _shown(unit: str) -> Mapping[str, str]:
    done = subprocess.run(
        ["systemctl", "show", "-p", _PROPERTIES, unit], capture_output=True, text=True, check=False
    )
    return dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
