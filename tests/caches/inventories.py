"""Inventories as data: steps of a walk, and strategies that draw them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from dns.inventory import Inventory, from_hosts

MAIN, OTHER, SUB = "example.test", "other.test", "sub.example.test"
MACHINES = ("one", "two", "three")
HOSTNAMES = tuple(f"{label}.{MAIN}" for label in ("mx1", "mx2", "mail"))
ADDRESSES = {name: f"198.18.0.{number}" for number, name in enumerate(MACHINES, 1)}
ADDRESSES6 = {name: f"fd00::{number}" for number, name in enumerate(MACHINES, 1)}


@dataclass(frozen=True)
class Step:
    """An inventory as data, and how many seconds pass before the next one."""

    hosts: Mapping[str, Mapping[str, Any]]
    domains: Mapping[str, Mapping[str, Any]]
    then: float
    delay: float = 0.0

    @property
    def inventory(self) -> Inventory:
        return from_hosts(
            (name, {**data, "domains": dict(self.domains)}) for name, data in self.hosts.items()
        )


def host(machine: str, hostname: str, **more: Any) -> dict[str, dict[str, Any]]:
    """A host of the inventory on this machine."""
    data = {"public_ipv4": ADDRESSES[machine], "public_ipv6": ADDRESSES6[machine]}
    return {machine: {**data, "hostname": hostname, "allow_private_address": True, **more}}


BOXES = st.lists(st.sampled_from("abc"), min_size=1, unique=True)


@st.composite
def domains_of(draw: st.DrawFn) -> dict[str, dict[str, Any]]:
    """Some domains, example.test among them: the hosts are named in its zone."""
    names = [MAIN, *draw(st.lists(st.sampled_from([OTHER, SUB]), unique=True))]
    found = {}
    for name in names:
        boxes = draw(BOXES)
        found[name] = {
            "mailboxes": boxes,
            "catch_all": draw(st.sampled_from([None, boxes[0]])),
            "ttl": draw(st.sampled_from([1, 60, 3600])),
        }
    order = draw(st.permutations(names))
    return {name: found[name] for name in order}


@st.composite
def steps(draw: st.DrawFn) -> Step:
    names = draw(st.permutations(HOSTNAMES))
    machines = draw(st.lists(st.sampled_from(MACHINES), min_size=1, max_size=2, unique=True))
    hosts: dict[str, dict[str, Any]] = {}
    for machine, name in zip(machines, names, strict=False):
        more: dict[str, Any] = {"mx_preference": draw(st.sampled_from([10, 20]))}
        if draw(st.booleans()):
            more["public_ipv6"] = False
        hosts |= host(machine, name, **more)
    return Step(
        hosts,
        draw(domains_of()),
        then=draw(st.sampled_from([0.0, 1.0, 59.0, 200.0, 300.0, 481.0, 600.0, 3500.0, 4000.0])),
        delay=draw(st.sampled_from([0.0, 20.0])),
    )
