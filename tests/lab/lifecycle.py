"""Bringing a lab up, taking it down, and telling which parts of it run.

`bring_up` ends with a healthy lab, whatever there was before. `take_down` ends with none. The files by which
other programs find a lab (inventory, ssh_config, environment) lie in its folder.
"""

from __future__ import annotations

import fcntl
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

from tests.lab import access, network, world
from tests.lab.errors import LabError
from tests.lab.lab import FOLDER, Lab
from tests.lab.machines import container, image
from tests.lab.machines.image import Image, Progress
from tests.lab.machines.machine import Machine
from tests.lab.network import TARGET, Network


@dataclass(frozen=True, slots=True)
class Status:
    """What there is of a lab."""

    network: bool
    machines: Mapping[str, bool]
    current: bool
    """Whether it was brought up from the checkout and the images as they are now."""

    @property
    def healthy(self) -> bool:
        return self.network and self.current and all(self.machines.values())

    @property
    def anything(self) -> bool:
        return self.network or any(self.machines.values())


def find(folder: Path = FOLDER) -> Lab:
    """The lab of this folder: the one that was brought up there, or if none was, the one that would be."""
    try:
        record = json.loads((folder / "lab.json").read_text())
        found = Network(record["name"], IPv4Network(record["ipv4"]), IPv6Network(record["ipv6"]))
        return Lab(folder, found, _hosts(folder), record["system"])
    except (OSError, ValueError, KeyError):
        return Lab(folder, network.candidate(folder), _hosts(folder))


def _hosts(folder: Path) -> int:
    """How many targets lie there. The record may lack them, if a crash came before it was written."""
    try:
        return max(1, len(list((folder / "machines").glob("target*"))))
    except OSError:  # the folder is another user's
        return 1


def status(lab: Lab) -> Status:
    """What runs, as the system shows it. No machine is asked."""
    try:
        made_from = json.loads((lab.folder / "lab.json").read_text())["made_from"]
    except (OSError, ValueError, KeyError):
        made_from = None
    return Status(
        network=network.exists(lab.network),
        machines={each.name: each.is_running() for each in lab.machines},
        current=made_from == _made_from(lab),
    )


def build_images(
    missing: Sequence[Image], progress: Callable[[str], Progress], done: Callable[[str], None]
) -> None:
    """Build these images at the same time.

    Each image reports to `progress(name)`, and `done(name)` is called when it is finished. If one fails, or
    the user interrupts, the other is stopped too.
    """

    def build(each: Image) -> None:
        image.build(each, progress(each.name))
        done(each.name)

    with ThreadPoolExecutor(max_workers=max(1, len(missing))) as pool:
        building = [pool.submit(build, each) for each in missing]
        try:
            for each in as_completed(building):
                each.result()
        except BaseException:
            image.stop_builds()
            raise


def bring_up(
    folder: Path = FOLDER, *, fresh: bool = False, hosts: int = 1, system: str = "target"
) -> tuple[Lab, bool]:
    """A healthy lab, and whether it had to be started. Its images must have been built.

    A healthy lab with as many hosts of this system is left as it is, unless `fresh`. Anything else is taken
    down first.
    """
    with _locked(folder):
        lab = find(folder)
        same = (lab.hosts, lab.system) == (hosts, system)
        if same and not fresh and status(lab).healthy and _answers(lab):
            return lab, False
        _clear(lab)
        lab = Lab(folder, network.free_network(folder, network.routes()), hosts, system)
        try:
            _start(lab)
        except BaseException:
            _clear(lab, keep_logs=True)
            raise
        return lab, True


def power_cycle(lab: Lab, each: Machine) -> None:
    """Cut the power of a target, and boot it again from what its disk holds."""
    container.stop(each)
    container.start(each, Image(lab.system).root)
    network.attach(lab.network, each.link)
    container.wait_until_booted(each)


def take_down(folder: Path = FOLDER) -> bool:
    """Remove the lab. Returns whether there was anything to remove."""
    if not folder.exists() and not status(find(folder)).anything:
        return False
    with _locked(folder):
        lab = find(folder)
        there = status(lab).anything
        _clear(lab)
    shutil.rmtree(folder, ignore_errors=True)
    return there


def _start(lab: Lab) -> None:
    access.write_access(lab)
    network.create(lab.network)
    for used in lab.images:
        image.mark_used(used)
    files = {**world.files(lab.network), **access.edge_files(lab)}
    _start_machine(lab, lab.world, Image("world").root, world.addresses(), files)
    for number, each in enumerate(lab.targets, TARGET):
        _start_machine(lab, each, Image(lab.system).root, (number,), access.target_files(lab))
    with ThreadPoolExecutor(max_workers=len(lab.machines)) as pool:
        for booted in [pool.submit(container.wait_until_booted, each) for each in lab.machines]:
            booted.result()
    _write_record(lab)


def _start_machine(
    lab: Lab, each: Machine, root: Path, numbers: tuple[int, ...], files: Mapping[str, tuple[bytes, int]]
) -> None:
    container.prepare(each, {**access.common_files(lab, each, numbers), **files})
    container.start(each, root)
    network.attach(lab.network, each.link)


def _clear(lab: Lab, *, keep_logs: bool = False) -> None:
    for socket in (lab.folder / "ssh").glob("*.control"):
        subprocess.run(
            ["ssh", "-F", str(lab.ssh_config), "-O", "exit", "-S", str(socket), socket.stem],
            capture_output=True,
            check=False,
        )
    for each in lab.machines:
        container.stop(each)
    network.remove(lab.network.name)
    for name in ("lab.json", "inventory.py", "env", "ssh_config", lab.trusted.name):
        (lab.folder / name).unlink(missing_ok=True)
    for folder in (lab.folder / "ssh", lab.edge):
        shutil.rmtree(folder, ignore_errors=True)
    if not keep_logs:
        shutil.rmtree(lab.folder / "machines", ignore_errors=True)


def _answers(lab: Lab) -> bool:
    """Whether every machine lets us log in."""
    try:
        return all(each.run("true", check=False, timeout=60).returncode == 0 for each in lab.machines)
    except subprocess.TimeoutExpired:
        return False


def _made_from(lab: Lab) -> str:
    """A digest of everything that a running lab was made from: the images, the templates, and this code."""
    here = Path(__file__).parent
    modules = [here / f"{name}.py" for name in ("access", "lab", "lifecycle", "network", "world")]
    modules += [*sorted((here / "machines").glob("*.py")), *sorted(world.STAND_IN.glob("*.py"))]
    source = (path.read_text() for path in modules)
    return image.digest_of(here / "templates", salt=(*(each.digest for each in lab.images), *source))


def _write_record(lab: Lab) -> None:
    record = {
        "name": lab.network.name,
        "ipv4": str(lab.network.ipv4),
        "ipv6": str(lab.network.ipv6),
        "system": lab.system,
        "made_from": _made_from(lab),
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
                f"{folder}: another `python -m tests.lab` works on this lab: wait for it"
            ) from None
        yield
