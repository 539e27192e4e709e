"""The lab's network: a switch that only the lab's machines are on.

The switch is a bridge inside a network namespace, so traffic between the machines never meets the rules or
the forwarding policy of the control machine. A veth pair joins the control machine to it. So the control
machine has one more interface and one more namespace, both under the lab's name. Removing the namespace
removes all of it.

Name and subnets follow from the lab's folder, so several checkouts can have a lab at the same time. Subnets
that the control machine has a route into are skipped.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.lab.errors import LabError

# The last part of each address in both subnets: 10.x.y.N and fdxx:…::N, where N is written the same way.
CONTROL, WORLD, TARGET, EDGE, REGISTRY, VALIDATOR, NS1, NS2 = 1, 2, 25, 44, 51, 52, 53, 54
SWITCH = "switch"  # the bridge, inside the namespace


@dataclass(frozen=True, slots=True)
class Network:
    """A name and two subnets. The namespace and the interface have the name, and machines' names begin so."""

    name: str
    ipv4: ipaddress.IPv4Network
    ipv6: ipaddress.IPv6Network

    def address4(self, number: int) -> str:
        return str(self.ipv4.network_address + number)

    def address6(self, number: int) -> str:
        return str(self.ipv6.network_address + int(str(number), 16))

    def commands(self, *numbers: int, device: str = "host0") -> list[str]:
        """`ip` commands that give a machine these addresses, the first being its own.

        The connections that the machine begins come from its own. So the others are deprecated in IPv6, where
        the kernel could otherwise choose any of them (RFC 6724 section 5).
        """
        lines = [f"link set {device} up"]
        for number in numbers:
            deprecated = "" if number == numbers[0] else " valid_lft forever preferred_lft 0"
            lines.append(f"address replace {self.address4(number)}/{self.ipv4.prefixlen} dev {device}")
            address = f"{self.address6(number)}/{self.ipv6.prefixlen}"
            lines.append(f"address replace {address} dev {device} nodad{deprecated}")
        return lines


def candidate(folder: Path, attempt: int = 0) -> Network:
    """The network of the lab in this folder: the same one every time, and another one for each attempt."""
    digest = hashlib.sha256(f"{folder.resolve()}\0{attempt}".encode()).digest()
    name = "lb" + hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:6]
    ipv4 = ipaddress.IPv4Network((bytes([10, digest[0], digest[1], 0]), 24))
    ipv6 = ipaddress.IPv6Network((b"\xfd" + digest[2:9] + bytes(8), 64))
    return Network(name, ipv4, ipv6)


def free_network(folder: Path, routes: Iterable[ipaddress.IPv4Network]) -> Network:
    """The first candidate that overlaps no route except the default route. Raises LabError."""
    taken = [route for route in routes if route.prefixlen > 0]
    for attempt in range(200):
        network = candidate(folder, attempt)
        if not any(network.ipv4.overlaps(route) for route in taken):
            return network
    raise LabError(
        "no free subnet in 10.0.0.0/8: this machine has routes into all that were tried (ip route)"
    )


def routes() -> list[ipaddress.IPv4Network]:
    """The IPv4 networks that this machine has a route into, in all its tables."""
    listed = json.loads(_ip("-json", "-4", "route", "show", "table", "all").stdout or "[]")
    found = []
    for route in listed:
        destination = route["dst"]
        if destination != "default" and route.get("type", "unicast") == "unicast":
            found.append(ipaddress.IPv4Network(destination, strict=False))
    return found


def exists(network: Network) -> bool:
    """Whether the interface, the namespace and the switch in it are there."""
    return (
        _ip("link", "show", network.name, check=False).returncode == 0
        and _ip("-netns", network.name, "link", "show", SWITCH, check=False).returncode == 0
    )


def create(network: Network) -> None:
    """Make namespace, switch and the control machine's interface with its addresses."""
    name = network.name
    _ip("netns", "add", name)
    _batch(
        [f"link add {SWITCH} type bridge forward_delay 0 stp_state 0", f"link set {SWITCH} up"], netns=name
    )
    _batch(
        [
            f"link add {name} type veth peer name control netns {name}",
            *network.commands(CONTROL, device=name),
        ]
    )
    _batch([f"link set control master {SWITCH} up"], netns=name)


def attach(network: Network, interface: str) -> None:
    """Plug the outer end of a machine's veth pair into the switch."""
    _ip("link", "set", interface, "netns", network.name)
    _batch([f"link set {interface} master {SWITCH} up"], netns=network.name)


def remove(name: str) -> None:
    """Remove everything of this name that is there."""
    _ip("link", "delete", name, check=False)
    for left in Path("/sys/class/net").glob(f"{name}-*"):  # left by a start that was cut off
        _ip("link", "delete", left.name, check=False)
    _ip("netns", "delete", name, check=False)


def _ip(*arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    if check and done.returncode != 0:
        raise LabError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")
    return done


def _batch(lines: Sequence[str], netns: str | None = None) -> None:
    where = ["-netns", netns] if netns else []
    done = subprocess.run(
        ["ip", *where, "-batch", "-"], input="\n".join(lines), capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise LabError(f"ip -batch in the lab's network: {done.stderr.strip()}")
