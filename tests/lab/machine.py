"""A machine of the lab: a systemd-nspawn container with its own systemd, reached over ssh.

Its root is an overlay over a cached image. The overlay is mounted in a mount namespace that belongs to
the container's process, so it is gone when the machine is, however that ended.
"""

import os
import secrets
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.lab.errors import LabError

BOOT_DEADLINE = 90.0  # seconds; two is usual
DEADLINE = 180.0  # seconds for one command, on a machine that is busy with other things


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine by its ssh name, with where it lies and where it is found."""

    name: str
    hostname: str
    ipv4: str
    ipv6: str
    container: str
    """What systemd-nspawn calls it; its veth pair is ``link`` outside and ``host0`` inside."""
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
        """Run a shell command (or an argument list) in the machine, as root unless a user is named.

        With ``check``, a failure raises a LabError that has the command's own words.
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
        """Put a file into the running machine (mode 0644, folders made)."""
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
        """The processes on the control machine that are this machine: systemd-nspawn and what starts it."""
        wanted = f"--machine={self.container}".encode()
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) != os.getpid():
                try:
                    arguments = (entry / "cmdline").read_bytes().split(b"\0")
                except OSError:  # gone meanwhile
                    continue
                if wanted in arguments:
                    found.append(int(entry.name))
        return tuple(found)

    def is_running(self) -> bool:
        return bool(self.pids)


def prepare(machine: Machine, files: Mapping[str, tuple[bytes, int]]) -> None:
    """Give the machine a fresh, empty overlay that holds only these files: path to content and mode."""
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
    if not Path("/run/systemd/system").exists():  # nobody to ask for a scope
        container.append("--keep-unit")
    group = control_group(machine.container)
    if group:
        group.mkdir(exist_ok=True)
        # Without a scope a container takes the control group it is started in: two would share one.
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
        if done.stdout.strip() in ("running", "degraded"):
            break
        _expect_alive(machine, deadline, f"no ssh: {done.stderr.strip()}")
        time.sleep(0.05)
    if done.stdout.strip() == "degraded":
        units = machine.run("systemctl --failed --plain --no-legend | cut -d' ' -f1").stdout.split()
        raise LabError(f"machine {machine.name}: failed units: {' '.join(units)}")


def stop(machine: Machine) -> None:
    """Take the machine away at once (pulling the plug), and wait until it is gone."""
    for number in (signal.SIGKILL, signal.SIGKILL):
        for pid in machine.pids:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                continue
        deadline = time.monotonic() + 10
        while machine.is_running() and time.monotonic() < deadline:
            time.sleep(0.02)
    _remove_control_group(machine.container)


def _expect_alive(machine: Machine, deadline: float, missing: str) -> None:
    late = time.monotonic() > deadline
    if late or not _is_alive(machine):
        console = (machine.folder / "console.log").read_text(errors="replace").strip().splitlines()
        cause = missing if late else "it stopped"
        raise LabError(
            f"machine {machine.name}: {cause}: {' '.join(console[-3:]) or 'nothing on its console'}"
        )


def _is_alive(machine: Machine) -> bool:
    """Whether it runs. A process that is just changing its program has no arguments for a moment."""
    for _ in range(10):
        if machine.is_running():
            return True
        time.sleep(0.02)
    return False


def _unified() -> Path | None:
    """Where this machine has its cgroup v2 hierarchy mounted, if it has."""
    for line in Path("/proc/self/mounts").read_text().splitlines():
        fields = line.split()
        if fields[2] == "cgroup2":
            return Path(fields[1])
    return None


def control_group(container: str) -> Path | None:
    """Where a machine's control group is to be, if no systemd of the control machine makes one."""
    top = _unified()
    return None if top is None or Path("/run/systemd/system").exists() else top / container


def _remove_control_group(name: str) -> None:
    """Kill what is left in the machine's control group and remove it, deepest first.

    Groups in it may go by themselves meanwhile, and be busy for a moment after their last process.
    """
    group = control_group(name)
    if group is None:
        return
    deadline = time.monotonic() + 30
    while group.is_dir():
        if time.monotonic() > deadline:
            raise LabError(f"machine {name}: its control group cannot be removed: {group}")
        for folder in [Path(each) for each, _, _ in os.walk(group, topdown=False)]:
            for pid in _processes(folder):
                with suppress(ProcessLookupError):  # it went by itself since the list was read
                    os.kill(pid, signal.SIGKILL)
            with suppress(OSError):
                folder.rmdir()
        time.sleep(0.02)


def _processes(group: Path) -> list[int]:
    try:
        listed = (group / "cgroup.procs").read_text().split()
    except OSError:  # gone meanwhile
        return []
    return [int(pid) for pid in listed if pid != "0"]  # 0: a process outside our pid namespace
