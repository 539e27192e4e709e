"""Three machines of the lab that are nodes of Ceph, on a switch of their own: brought up, and taken down.

Names and addresses follow from the folder, so what a crash left behind is found and removed by the next
start.
"""

from __future__ import annotations

import fcntl
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.fleet.engine import files
from tests.fleet.engine.files import Identity
from tests.lab import access, network
from tests.lab.errors import LabError
from tests.lab.lab import Lab
from tests.lab.machines import container, image
from tests.lab.machines.image import Image
from tests.lab.machines.machine import Machine

IMAGE = Image("ceph")
FOLDER = Path(__file__).resolve().parents[3] / ".lab-fleet"
NODES = 3
KEY_ID, SECRET, BUCKET = "letterbox-fleet", "letterbox-fleet-secret-0123456789", "mail"
_FIRST_ADDRESS = 11  # of the nodes, in the lab's subnet
_UP_SECONDS = 180.0


@dataclass(frozen=True, slots=True)
class Cluster(Lab):
    """The machines of an engine, as a lab that has no world."""

    system: str = "ceph"

    @property
    def targets(self) -> tuple[Machine, ...]:
        return tuple(
            Machine(**self._place(f"node{n}", f"node{n}", _FIRST_ADDRESS + n - 1))
            for n in range(1, NODES + 1)
        )

    @property
    def machines(self) -> tuple[Machine, ...]:
        return self.targets

    @property
    def images(self) -> tuple[Image, ...]:
        return (IMAGE,)

    @property
    def urls(self) -> list[str]:
        """The bucket at each gateway."""
        return [f"http://{each.ipv4}:{files.GATEWAY_PORT}/{BUCKET}" for each in self.targets]


@contextmanager
def running(folder: Path = FOLDER) -> Iterator[Cluster]:
    """A new engine with an empty bucket, for as long as the block runs. Raises LabError.

    Its image must have been built (`tests.lab.machines.image.build`).
    """
    with _locked(folder):
        clear(Cluster(folder, network.candidate(folder)))
        folder.mkdir(parents=True, exist_ok=True)
        lab = Cluster(folder, network.free_network(folder, network.routes()))
        try:
            _start(lab)
            yield lab
        finally:
            clear(lab)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    path = folder.with_name(f"{folder.name}.lock")
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LabError(f"{folder}: another `make fleet` runs here: wait for it") from None
        yield


def start(lab: Cluster, each: Machine) -> None:
    """Boot a machine from what its disk holds. Returns before it has booted."""
    container.start(each, IMAGE.root)
    network.attach(lab.network, each.link)


def clear(lab: Cluster) -> None:
    """Remove the engine, whatever is there of it."""
    for socket in (lab.folder / "ssh").glob("*.control"):
        command = ["ssh", "-F", str(lab.ssh_config), "-O", "exit", "-S", str(socket), socket.stem]
        subprocess.run(command, capture_output=True, check=False)
    for each in lab.machines:
        container.stop(each)
    network.remove(lab.network.name)
    shutil.rmtree(lab.folder, ignore_errors=True)


def _start(lab: Cluster) -> None:
    identity = files.made_for([each.ipv4 for each in lab.machines])
    access.write_access(lab)
    network.create(lab.network)
    image.mark_used(IMAGE)
    for number, each in enumerate(lab.machines, 1):
        ours = files.files(identity, number)
        container.prepare(each, {**access.common_files(lab, each, (_FIRST_ADDRESS + number - 1,)), **ours})
        start(lab, each)
    _on_all(lab.machines, container.wait_until_booted)
    _make_disks(lab, identity)


def _make_disks(lab: Cluster, identity: Identity) -> None:
    first = lab.machines[0]
    # `ceph` waits for a quorum of the monitors by itself.
    new = "; ".join(f"ceph osd new {identity.disk(number)} {number - 1}" for number in identity.numbers)
    first.run(f"set -e; {new}", timeout=_UP_SECONDS)
    with ThreadPoolExecutor(NODES) as pool:
        for made in [
            pool.submit(each.run, files.disk_commands(identity, number), timeout=_UP_SECONDS)
            for number, each in enumerate(lab.machines, 1)
        ]:
            made.result()
    give_key(first)


def give_key(node: Machine) -> None:
    """Let the gateways know the key pair."""
    user = "--uid=letterbox"
    known = node.run(f"radosgw-admin user info {user}", check=False, timeout=_UP_SECONDS).returncode == 0
    what = "key create" if known else "user create --display-name=letterbox"
    node.run(f"radosgw-admin {what} {user} --access-key={KEY_ID} --secret-key={SECRET}", timeout=_UP_SECONDS)


def take_key(node: Machine) -> None:
    """Take the key pair back."""
    node.run(f"radosgw-admin key rm --uid=letterbox --access-key={KEY_ID}", timeout=_UP_SECONDS)


def wait(holds: Callable[[], bool], what: str, seconds: float = _UP_SECONDS) -> None:
    """Ask `holds()` again and again. Raises LabError with `what` if it never is true."""
    until = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > until:
            raise LabError(f"the engine: not in {seconds:.0f} s: {what}")
        time.sleep(0.2)


def _on_all(machines: Sequence[Machine], does: Callable[[Machine], None]) -> None:
    with ThreadPoolExecutor(len(machines)) as pool:
        for done in [pool.submit(does, each) for each in machines]:
            done.result()
