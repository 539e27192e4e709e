"""A machine of the lab, as a value: its name, its addresses, and running commands on it over ssh."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.lab.errors import LabError

DEADLINE = 180.0  # seconds for one command, on a machine that is busy with other things


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine by its ssh name, with its folder and its addresses."""

    name: str
    hostname: str
    ipv4: str
    ipv6: str
    container: str
    """What systemd-nspawn calls it; its veth pair is `link` outside and `host0` inside."""
    link: str
    folder: Path
    ssh_config: Path

    def run(
        self,
        command: str | Sequence[str],
        *,
        check: bool = True,
        input: str | None = None,
        timeout: float = DEADLINE,
        user: str | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run a shell command (or an argument list) on the machine, as root or as a user.

        With `check`, a failure raises LabError with the command's own words.
        """
        line = command if isinstance(command, str) else shlex.join(command)
        who = ["-l", user] if user else []
        done = subprocess.run(
            ["ssh", "-F", str(self.ssh_config), *who, self.name, line],
            input=input,
            stdin=subprocess.DEVNULL if input is None else None,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        if check and done.returncode != 0:
            words = (done.stderr.strip() or done.stdout.strip()).splitlines()
            raise LabError(f"{self.name}: {line}: exit code {done.returncode}: {' '.join(words[-3:])}")
        return done

    def write(self, path: str, content: str | bytes) -> None:
        """Put a file into the running machine, with mode 0644. Its folders are made."""
        data = content.encode() if isinstance(content, str) else content
        target = shlex.quote(path)
        done = subprocess.run(
            ["ssh", "-F", str(self.ssh_config), self.name, f"install -D -m 0644 /dev/stdin {target}"],
            input=data,
            capture_output=True,
            timeout=DEADLINE,
            check=False,
        )
        if done.returncode != 0:
            raise LabError(f"{self.name}: {path} cannot be written: {done.stderr.decode().strip()}")

    def read(self, path: str) -> bytes:
        """A file of the running machine, octet for octet."""
        done = subprocess.run(
            ["ssh", "-F", str(self.ssh_config), self.name, f"cat {shlex.quote(path)}"],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=DEADLINE,
            check=False,
        )
        if done.returncode != 0:
            raise LabError(f"{self.name}: {path} cannot be read: {done.stderr.decode().strip()}")
        return done.stdout

    @property
    def pids(self) -> tuple[int, ...]:
        """The processes of this machine on the control machine: systemd-nspawn, and what starts it."""
        wanted = f"--machine={self.container}".encode()
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) != os.getpid():
                try:
                    arguments = (entry / "cmdline").read_bytes().split(b"\0")
                except OSError:  # the process has ended
                    continue
                if wanted in arguments:
                    found.append(int(entry.name))
        return tuple(found)

    def is_running(self) -> bool:
        return bool(self.pids)
