"""Running a machine: a systemd-nspawn container on an overlay over a cached image.

The overlay is mounted in a mount namespace that belongs to the container's process, so it goes when the
machine does, however that ends.
"""

from __future__ import annotations

import os
import secrets
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from tests.lab.errors import LabError
from tests.lab.machines import control_group
from tests.lab.machines.machine import Machine

BOOT_DEADLINE = 90.0  # seconds; two is usual


def prepare(machine: Machine, files: Mapping[str, tuple[bytes, int]]) -> None:
    """Give the machine a fresh overlay that holds only these files: path to content and mode."""
    shutil.rmtree(machine.folder, ignore_errors=True)
    upper = machine.folder / "upper"
    for folder in ("upper", "work", "root"):
        (machine.folder / folder).mkdir(parents=True, mode=0o755)
        (machine.folder / folder).chmod(0o755)
    identity = {"etc/machine-id": (secrets.token_hex(16).encode() + b"\n", 0o444)}
    for name, (content, mode) in {**identity, **files}.items():
        path = upper / name
        for above in reversed(path.relative_to(upper).parents):
            if not (upper / above).is_dir():
                (upper / above).mkdir()
                (upper / above).chmod(0o700 if above.name in (".ssh", "root") else 0o755)
        path.write_bytes(content)
        path.chmod(mode)


def start(machine: Machine, image: Path) -> None:
    """Start the machine on its overlay. Returns when its outer interface is there, before it has booted."""
    script = (
        'mount -t overlay overlay -o "lowerdir=$1,upperdir=upper,workdir=work" root && shift && exec "$@"'
    )
    container = [
        "systemd-nspawn",
        "--quiet",
        f"--machine={machine.container}",
        f"--hostname={machine.hostname}",
        "--directory=root",
        "--boot",
        "--register=no",
        f"--network-veth-extra={machine.link}:host0",
        "--console=pipe",
        "--resolv-conf=off",
        "--timezone=off",
        "--link-journal=no",
    ]
    if not Path("/run/systemd/system").exists():  # no systemd here could be asked for a scope
        container.append("--keep-unit")
    group = control_group.control_group(machine.container)
    if group:
        group.mkdir(exist_ok=True)
        # Without a scope, a container takes the control group that it is started in; two would share it.
        script = f"echo $$ >{shlex.quote(str(group / 'cgroup.procs'))} && {script}"
    with (machine.folder / "console.log").open("wb") as console:
        subprocess.Popen(
            ["unshare", "--mount", "--propagation=private", "sh", "-c", script, "sh", str(image), *container],
            cwd=machine.folder,
            env={**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"},
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    link = Path("/sys/class/net") / machine.link
    deadline = time.monotonic() + BOOT_DEADLINE
    while not link.exists():
        _expect_alive(machine, deadline, "its network interface did not appear")
        time.sleep(0.02)


def wait_until_booted(machine: Machine) -> None:
    """Wait until systemd says that it is up. Raises LabError if units failed or it takes too long."""
    deadline = time.monotonic() + BOOT_DEADLINE
    while True:
        done = machine.run("systemctl is-system-running --wait", check=False, timeout=BOOT_DEADLINE)
        state = done.stdout.strip()
        if state in ("running", "degraded"):
            break
        _expect_alive(machine, deadline, f"no ssh: {done.stderr.strip()}")
        time.sleep(0.05)
    if state == "degraded":
        units = machine.run("systemctl --failed --plain --no-legend | cut -d' ' -f1").stdout.split()
        raise LabError(f"machine {machine.name}: failed units: {' '.join(units)}")


def stop(machine: Machine) -> None:
    """Kill the machine, as a power cut does, and wait until it is gone."""
    for _ in range(2):
        for pid in machine.pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        deadline = time.monotonic() + 10
        while machine.is_running() and time.monotonic() < deadline:
            time.sleep(0.02)
    control_group.remove(machine.container)


def _expect_alive(machine: Machine, deadline: float, missing: str) -> None:
    """Raise LabError if the machine has stopped, or if the deadline has passed and `missing` still is."""
    late = time.monotonic() > deadline
    if late or not _is_alive(machine):
        console = (machine.folder / "console.log").read_text(errors="replace").strip().splitlines()
        cause = missing if late else "it stopped"
        raise LabError(
            f"machine {machine.name}: {cause}: {' '.join(console[-3:]) or 'nothing on its console'}"
        )


def _is_alive(machine: Machine) -> bool:
    """Whether it runs. A process that is just executing another program has no arguments for a moment."""
    for _ in range(10):
        if machine.is_running():
            return True
        time.sleep(0.02)
    return False
