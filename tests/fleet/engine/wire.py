"""The wire between an MX and the engine: a network namespace with one address on the engine's switch.

The process of an MX that speaks to the bucket runs in it. The wire is cut by rules of nftables(8) that drop
each packet silently, as a broken network does, and nobody is told.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass

from tests.fleet.engine.cluster import IMAGE, Cluster
from tests.lab.errors import LabError
from tests.lab.network import SWITCH

_FIRST_ADDRESS = 31  # of the MX, in the lab's subnet
_CUT = """\
table inet cut {
    chain in { type filter hook input priority 0; policy drop; }
    chain out { type filter hook output priority 0; policy drop; }
}
"""


@dataclass(frozen=True, slots=True)
class Wire:
    """The wire of the MX of this number, from 1."""

    lab: Cluster
    number: int

    @property
    def namespace(self) -> str:
        return f"{self.lab.network.name}-mx{self.number}"

    @property
    def enter(self) -> tuple[str, ...]:
        """The beginning of a command that is to run on this wire."""
        return ("ip", "netns", "exec", self.namespace)

    def lay(self) -> None:
        """Make it. Raises LabError."""
        port, address = f"mx{self.number}", self.lab.network.address4(_FIRST_ADDRESS + self.number - 1)
        switch = self.lab.network.name
        _ip("netns", "add", self.namespace)
        _ip(
            *("-netns", switch, "link", "add", port, "type", "veth"),
            *("peer", "name", "wire", "netns", self.namespace),
        )
        _ip("-netns", switch, "link", "set", port, "master", SWITCH, "up")
        _ip(
            *("-netns", self.namespace, "address", "add", f"{address}/{self.lab.network.ipv4.prefixlen}"),
            *("dev", "wire"),
        )
        _ip("-netns", self.namespace, "link", "set", "wire", "up")

    def cut(self) -> None:
        self._nft(_CUT)

    def mend(self) -> None:
        self._nft("delete table inet cut\n")

    def remove(self) -> None:
        _ip("netns", "delete", self.namespace, check=False)

    def _nft(self, rules: str) -> None:
        command = [*self.enter, "chroot", str(IMAGE.root), "nft", "-f", "-"]
        done = subprocess.run(command, input=rules, capture_output=True, text=True, check=False)
        if done.returncode:
            raise LabError(f"nft in {self.namespace}: {done.stderr.strip()}")


def _ip(*arguments: str, check: bool = True) -> None:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    if check and done.returncode:
        raise LabError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")
