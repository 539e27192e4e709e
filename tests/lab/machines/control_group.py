"""The control group of a machine, if the control machine's own systemd makes none (cgroups(7))."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from tests.lab.errors import LabError

_REMOVAL_SECONDS = 30


def control_group(container: str) -> Path | None:
    """The folder of a container's control group. None if systemd makes a scope for each container."""
    top = _unified_hierarchy()
    return None if top is None or Path("/run/systemd/system").exists() else top / container


def remove(container: str) -> None:
    """Kill what is left in a container's control group, and remove it, deepest folder first.

    The kernel may remove some of the groups meanwhile, and a group stays busy for a moment after its last
    process has ended.
    """
    group = control_group(container)
    if group is None:
        return
    deadline = time.monotonic() + _REMOVAL_SECONDS
    while group.is_dir():
        if time.monotonic() > deadline:
            raise LabError(f"machine {container}: its control group cannot be removed: {group}")
        for folder in [Path(each) for each, _, _ in os.walk(group, topdown=False)]:
            for pid in _processes(folder):
                with suppress(ProcessLookupError):  # it has ended since the list was read
                    os.kill(pid, signal.SIGKILL)
            with suppress(OSError):
                folder.rmdir()
        time.sleep(0.02)


def _unified_hierarchy() -> Path | None:
    """Where this machine has mounted its cgroup v2 hierarchy, if it has."""
    for line in Path("/proc/self/mounts").read_text().splitlines():
        fields = line.split()
        if fields[2] == "cgroup2":
            return Path(fields[1])
    return None


def _processes(group: Path) -> list[int]:
    try:
        listed = (group / "cgroup.procs").read_text().split()
    except OSError:  # the group is gone
        return []
    return [int(pid) for pid in listed if pid != "0"]  # 0 is a process outside our pid namespace
