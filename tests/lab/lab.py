"""The lab as a whole: up, down, what of it runs, and the files that other programs find it by.

A lab belongs to a folder (``.lab`` of the checkout). Names of machines and interfaces follow from the
folder, so what a crash left behind is found again without any record of it. ``up`` ends with a healthy
lab whatever there was before; ``down`` ends with none.
"""

import fcntl
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

from . import image, machine, network, world
from .errors import LabError
from .image import Image, Progress
from .machine import Machine
from .network import CONTROL, TARGET, WORLD, Network
from .world import World

FOLDER = Path(__file__).resolve().parents[2] / ".lab"
DOMAIN = "example.test"
HOSTNAME = f"mx1.{DOMAIN}"
IMAGES = tuple(Image(name) for name in image.IMAGE_NAMES)


@dataclass(frozen=True, slots=True)
class Lab:
    """A lab in a folder, whether it runs or not."""

    folder: Path
    network: Network

    @property
    def target(self) -> Machine:
        return Machine(**self._place("target", HOSTNAME, TARGET))

    @property
    def world(self) -> World:
        return World(**self._place("world", "mail.sender.test", WORLD))

    @property
    def machines(self) -> tuple[Machine, World]:
        return self.target, self.world

    @property
    def inventory(self) -> Path:
        return self.folder / "inventory.py"

    @property
    def ssh_config(self) -> Path:
        return self.folder / "ssh_config"

    @property
    def key(self) -> Path:
        return self.folder / "ssh" / "key"

    @property
    def environment(self) -> dict[str, str]:
        """What to export for `deploy.py` and `dns.sync` to work on this lab."""
        return world.environment(self.network)

    def _place(self, name: str, hostname: str, number: int) -> dict[str, object]:
        return {
            "name": name,
            "hostname": hostname,
            "ipv4": self.network.address4(number),
            "ipv6": self.network.address6(number),
            "container": f"{self.network.name}-{name}",
            "link": f"{self.network.name}-{name[0]}",
            "folder": self.folder / "machines" / name,
            "ssh_config": self.ssh_config,
        }


@dataclass(frozen=True, slots=True)
class Status:
    """What of a lab there is."""

    network: bool
    machines: Mapping[str, bool]
    current: bool
    """Whether it was brought up from what the checkout and its images are now."""

    @property
    def healthy(self) -> bool:
        return self.network and self.current and all(self.machines.values())

    @property
    def anything(self) -> bool:
        return self.network or any(self.machines.values())


def find(folder: Path = FOLDER) -> Lab:
    """The lab of this folder: the one that was brought up there, else the one that would be."""
    try:
        told = json.loads((folder / "lab.json").read_text())
        found = Network(told["name"], IPv4Network(told["ipv4"]), IPv6Network(told["ipv6"]))
    except (OSError, ValueError, KeyError):
        found = network.candidate(folder)
    return Lab(folder, found)


def status(lab: Lab) -> Status:
    """What runs, by looking at the system; asks nothing of the machines."""
    try:
        made_from = json.loads((lab.folder / "lab.json").read_text())["made_from"]
    except (OSError, ValueError, KeyError):
        made_from = None
    return Status(
        network=network.exists(lab.network),
        machines={each.name: each.is_running() for each in lab.machines},
        current=made_from == _made_from(),
    )


def build_images(progress: Callable[[str], Progress]) -> None:
    """Build the images that are missing, side by side; ``progress(name)`` is where each one reports to."""
    missing = [each for each in IMAGES if not each.is_built()]
    with ThreadPoolExecutor(max_workers=2) as pool:
        building = [pool.submit(image.build, each, progress(each.name)) for each in missing]
        for each in building:
            each.result()


def bring_up(folder: Path = FOLDER, *, fresh: bool = False) -> tuple[Lab, bool]:
    """A healthy lab, its images being built; and whether it had to be started for that.

    A healthy one is left as it is unless ``fresh``; anything less is taken down first.
    """
    with _locked(folder):
        lab = find(folder)
        if not fresh and status(lab).healthy and _answers(lab):
            return lab, False
        _clear(lab)
        lab = Lab(folder, network.free_network(folder, network.routes()))
        try:
            _start(lab)
        except BaseException:
            _clear(lab, keep_logs=True)
            raise
        return lab, True


def take_down(folder: Path = FOLDER) -> bool:
    """Remove the lab; whether there was anything to remove."""
    if not folder.exists() and not status(find(folder)).anything:
        return False
    with _locked(folder):
        lab = find(folder)
        there = status(lab).anything
        _clear(lab)
    shutil.rmtree(folder, ignore_errors=True)
    return there


def _start(lab: Lab) -> None:
    _write_access(lab)
    network.create(lab.network)
    roots = {each.name: each.root for each in IMAGES}
    for used in IMAGES:
        image.mark_used(used)
    contents = {"target": _target_files(lab), "world": world.files(lab.network)}
    numbers = {"target": (TARGET,), "world": world.addresses()}
    for each in lab.machines:
        common = _common_files(lab, each, numbers[each.name])
        machine.prepare(each, {**common, **contents[each.name]})
        machine.start(each, roots[each.name])
        network.attach(lab.network, each.link)
    with ThreadPoolExecutor(max_workers=2) as pool:
        for booted in [pool.submit(machine.wait_until_booted, each) for each in lab.machines]:
            booted.result()
    _write_record(lab)


def _clear(lab: Lab, *, keep_logs: bool = False) -> None:
    for socket in (lab.folder / "ssh").glob("*.control"):
        subprocess.run(
            ["ssh", "-F", str(lab.ssh_config), "-O", "exit", "-S", str(socket), socket.stem],
            capture_output=True,
            check=False,
        )
    for each in lab.machines:
        machine.stop(each)
    network.remove(lab.network.name)
    for name in ("lab.json", "inventory.py", "env", "ssh_config"):
        (lab.folder / name).unlink(missing_ok=True)
    shutil.rmtree(lab.folder / "ssh", ignore_errors=True)
    if not keep_logs:
        shutil.rmtree(lab.folder / "machines", ignore_errors=True)


def _answers(lab: Lab) -> bool:
    """Whether both machines can be logged in to."""
    return all(each.run("true", check=False, timeout=20).returncode == 0 for each in lab.machines)


def _made_from() -> str:
    """A digest of everything that a running lab was made from."""
    here = Path(__file__).parent
    images = tuple(each.digest for each in IMAGES)
    source = tuple((here / name).read_text() for name in ("lab.py", "machine.py", "network.py", "world.py"))
    return image.digest_of(here / "templates", salt=(*images, *source, *_stand_in()))


def _stand_in() -> Iterator[str]:
    for path in sorted(world.STAND_IN.glob("*.py")):
        yield path.read_text()


def _common_files(lab: Lab, each: Machine, numbers: tuple[int, ...]) -> dict[str, tuple[bytes, int]]:
    commands = [f"ip {line}" for line in lab.network.commands(*numbers)]
    commands += [f"ip route replace default via {lab.network.address4(CONTROL)}"]
    commands += [f"ip -6 route replace default via {lab.network.address6(CONTROL)}"]
    # Else a closed port answers only once a second, and a test that looks at twenty takes twenty.
    commands += ["sysctl -q -w net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0"]
    hosts = f"127.0.0.1 localhost\n::1 localhost\n{each.ipv4} {each.hostname}\n{each.ipv6} {each.hostname}\n"
    public = lab.key.with_suffix(".pub").read_bytes()
    host_key = lab.folder / "ssh" / f"{each.name}_host_key"
    return {
        "etc/lab-network": (("set -e\n" + "\n".join(commands) + "\n").encode(), 0o644),
        "etc/hostname": (f"{each.hostname}\n".encode(), 0o644),
        "etc/hosts": (hosts.encode(), 0o644),
        "etc/ssh/ssh_host_ed25519_key": (host_key.read_bytes(), 0o600),
        "etc/ssh/ssh_host_ed25519_key.pub": (host_key.with_suffix(".pub").read_bytes(), 0o644),
        "root/.ssh/authorized_keys": (public, 0o600),
    }


def _target_files(lab: Lab) -> dict[str, tuple[bytes, int]]:
    public = lab.key.with_suffix(".pub").read_bytes()
    return {
        "etc/resolv.conf": (f"nameserver {lab.network.address4(WORLD)}\n".encode(), 0o644),
        # Root may read it for sshd, whoever owns it; sshd asks only that nobody else can write it.
        "etc/ssh/authorized_keys.fedora": (public, 0o644),
    }


def _write_access(lab: Lab) -> None:
    """Keys, ssh_config, inventory and environment, before the machines exist."""
    keys = lab.folder / "ssh"
    shutil.rmtree(keys, ignore_errors=True)
    keys.mkdir(parents=True, mode=0o700)
    for path in (lab.key, *(keys / f"{each.name}_host_key" for each in lab.machines)):
        made = subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "letterbox lab", "-f", str(path)],
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode != 0:
            raise LabError(f"ssh-keygen: {made.stderr.strip()}")
    known = []
    for each in lab.machines:
        public = (keys / f"{each.name}_host_key.pub").read_text().strip()
        known.append(f"{each.ipv4},{each.ipv6},{each.name},{each.hostname} {public}\n")
    (keys / "known_hosts").write_text("".join(known))
    lab.ssh_config.write_text(_ssh_config(lab))
    lab.inventory.write_text(_inventory(lab))
    (lab.folder / "env").write_text("".join(f"{key}={value}\n" for key, value in lab.environment.items()))


def _ssh_config(lab: Lab) -> str:
    control = lab.folder / "ssh" / "%n.control"
    if len(str(control)) > 80:  # a Unix socket's path ends at 108, and ssh adds a suffix of its own
        control = Path("/run") / f"{lab.network.name}-%n.control"
    return f"""\
Host target {HOSTNAME}
    HostName {lab.target.ipv4}
Host world
    HostName {lab.world.ipv4}
Host *
    User root
    IdentityFile {lab.key}
    IdentitiesOnly yes
    UserKnownHostsFile {lab.folder / "ssh" / "known_hosts"}
    GlobalKnownHostsFile /dev/null
    StrictHostKeyChecking yes
    BatchMode yes
    LogLevel ERROR
    ConnectTimeout 5
    ServerAliveInterval 10
    ControlMaster auto
    ControlPath {control}
    ControlPersist 120
"""


def _inventory(lab: Lab) -> str:
    return f'''\
"""The lab's inventory: the throwaway machine, in the place of a real host."""

mail_hosts = (
    [
        (
            "{HOSTNAME}",
            {{
                "ssh_user": "root",
                "ssh_hostname": "{lab.target.ipv4}",
                "ssh_config_file": "{lab.ssh_config}",
                "ssh_key": "{lab.key}",
                "ssh_known_hosts_file": "{lab.folder / "ssh" / "known_hosts"}",
                "ssh_strict_host_key_checking": "yes",
                "public_ipv4": "{lab.target.ipv4}",
                "public_ipv6": "{lab.target.ipv6}",
                "allow_private_address": True,
            }},
        ),
    ],
    {{
        "domains": {{
            "{DOMAIN}": {{
                "mailboxes": ["alice", "bob"],
                "aliases": {{"postmaster": ["alice"]}},
                "catch_all": None,
            }},
        }},
    }},
)
'''


def _write_record(lab: Lab) -> None:
    record = {
        "name": lab.network.name,
        "ipv4": str(lab.network.ipv4),
        "ipv6": str(lab.network.ipv6),
        "made_from": _made_from(),
    }
    (lab.folder / "lab.json").write_text(json.dumps(record, indent=1) + "\n")


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LabError(
                f"{folder}: another `python -m tests.lab` is at work on this lab: wait for it"
            ) from None
        yield
