"""What the lab needs of the system, and installing it if that is possible and allowed."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.lab.errors import LabError

# Each program that is needed, with the package that has it on Debian and Ubuntu, and on Fedora.
PROGRAMS = {
    "mmdebstrap": ("mmdebstrap", "mmdebstrap"),
    "systemd-nspawn": ("systemd-container", "systemd-container"),
    "ip": ("iproute2", "iproute"),
    "ssh": ("openssh-client", "openssh-clients"),
    "ssh-keygen": ("openssh-client", "openssh"),
}
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
KEYRING_PACKAGE = ("debian-archive-keyring", "debian-keyring")
COMMAND = "make lab-up"
LOCK = Path("/run/letterbox-lab.lock")  # held by the one process that installs


def reason_not_to_run() -> str | None:
    """Why the lab cannot run here, or None. Installs nothing."""
    if not Path("/proc/self/ns/net").exists():
        return "the lab needs Linux with systemd-nspawn"
    if os.geteuid() != 0:
        return "the lab needs root: its machines are systemd-nspawn containers"
    missing = missing_packages()
    if missing and _installer() is None:
        return f"the lab needs {' '.join(missing)}"
    return None


def missing_packages() -> list[str]:
    """The packages of the programs that are missing, by the names that this system has for them."""
    column = 1 if _installer() == "dnf" else 0
    missing = {packages[column] for program, packages in PROGRAMS.items() if shutil.which(program) is None}
    if _installer() != "dnf" and not KEYRING.exists():
        missing.add(KEYRING_PACKAGE[column])
    return sorted(missing)


def ensure(say: Callable[[str], None], *, command: str = COMMAND) -> None:
    """Install what is needed and missing, after telling `say`. Raises LabError if that cannot be done."""
    if os.geteuid() != 0:
        raise LabError(f"the lab needs root, for its machines: run  sudo {command}")
    with LOCK.open("w") as lock:  # tests that run side by side would disturb each other's installation
        fcntl.flock(lock, fcntl.LOCK_EX)
        _install(say)


def _install(say: Callable[[str], None]) -> None:
    missing = missing_packages()
    if not missing:
        return
    installer = _installer()
    if installer is None:
        raise LabError(f"the lab needs {' '.join(missing)}: install them and run this again")
    say(f"Installing {', '.join(missing)} ({installer})")
    if installer == "apt-get":
        _run(["apt-get", "-qq", "update"])
        _run(["apt-get", "-qq", "-y", "--no-install-recommends", "install", *missing])
    else:
        _run(["dnf", "-y", "-q", "install", *missing])
    left = missing_packages()
    if left:
        raise LabError(f"{installer} installed {' '.join(left)} but what they bring is not on PATH")


def _installer() -> str | None:
    if shutil.which("apt-get"):
        return "apt-get"
    return "dnf" if shutil.which("dnf") else None


def _run(command: list[str]) -> None:
    done = subprocess.run(
        command,
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        words = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise LabError(f"{' '.join(command)}: {' '.join(words[-2:])}")
