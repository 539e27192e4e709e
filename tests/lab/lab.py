"""A lab as a value: its folder, its network, and where each of its machines lies.

A lab belongs to a folder (`.lab` of the checkout). Names of machines and interfaces follow from the folder,
so what a crash left behind is found again without any record of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.lab import world
from tests.lab.machines.image import Image
from tests.lab.machines.machine import Machine
from tests.lab.network import TARGET, WORLD, Network
from tests.lab.world import World

FOLDER = Path(__file__).resolve().parents[2] / ".lab"
DOMAIN = "example.test"
HOSTNAME = f"mx1.{DOMAIN}"


@dataclass(frozen=True, slots=True)
class Lab:
    """A lab in a folder, whether it runs or not."""

    folder: Path
    network: Network
    hosts: int = 1
    """How many targets it has: mx1, mx2, … of the domain."""
    system: str = "target"
    """Which of `image.SYSTEMS` the targets are made of."""

    @property
    def target(self) -> Machine:
        """The first target, and in most labs the only one."""
        return self.targets[0]

    @property
    def targets(self) -> tuple[Machine, ...]:
        return tuple(
            Machine(**self._place(f"target{n if n > 1 else ''}", f"mx{n}.{DOMAIN}", TARGET + n - 1))
            for n in range(1, self.hosts + 1)
        )

    @property
    def world(self) -> World:
        return World(**self._place("world", "mail.sender.test", WORLD))

    @property
    def machines(self) -> tuple[Machine | World, ...]:
        return *self.targets, self.world

    @property
    def images(self) -> tuple[Image, ...]:
        """What its machines are made of."""
        return Image(self.system), Image("world")

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
    def edge(self) -> Path:
        """The folder of the authority of the edge's certificates."""
        return self.folder / "edge"

    @property
    def trusted(self) -> Path:
        """The roots that the control machine trusts: its own, and that of the edge."""
        return self.folder / "trusted.pem"

    @property
    def environment(self) -> dict[str, str]:
        """What to export so that `deploy.py` and `dns.sync` work on this lab."""
        return {**world.environment(self.network), "SSL_CERT_FILE": str(self.trusted)}

    def _place(self, name: str, hostname: str, number: int) -> dict[str, Any]:
        return {
            "name": name,
            "hostname": hostname,
            "ipv4": self.network.address4(number),
            "ipv6": self.network.address6(number),
            "container": f"{self.network.name}-{name}",
            "link": f"{self.network.name}-{name[0]}{name.removeprefix('target').removeprefix('world')}",
            "folder": self.folder / "machines" / name,
            "ssh_config": self.ssh_config,
        }
