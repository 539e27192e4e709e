"""A user whose domain has a policy: runs of our code against the stand-in, and the edge over real HTTPS."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from dns import sync
from dns.dane.facts import Outside
from dns.inventory import Inventory, from_hosts
from dns.inventory.host_keys import HostKeys
from dns.mta_sts.policy import Served, id_of
from dns.sync import Prepared
from dns.sync.stages import carry_out
from dns.world.greeting import Greeting
from dns.world.leads import Leads
from dns.world.policy import fetch
from dns.world.signed import Signed
from dns.world.vantage import VantagePoint
from tests.dns.example import DOMAIN, HOST
from tests.lab.cloudflare import StandIn

NAME, MX1, MX2 = "example.test", "mx1.example.test", "mx2.example.test"
TRUSTED = HostKeys(chain=("trusted",))
SELF_SIGNED = HostKeys(chain=("self-signed",))


class Killed(BaseException):
    """The run was killed."""


def hosts(*names: str, at: Mapping[str, str] = {}, **domain: Any) -> Inventory:
    """An inventory of these hosts, each at an address of its own, or `at` this one."""
    addresses = {MX1: "198.18.0.25", MX2: "198.18.0.26", **at}
    served = {NAME: {**DOMAIN, **domain}}
    return from_hosts(
        (name, {**HOST, "public_ipv4": addresses[name], "public_ipv6": False, "domains": served})
        for name in names
    )


@dataclass
class Site:
    """The stand-in, the edge, a clock that pauses move, and what the last run did, in order."""

    cloudflare: StandIn
    vantage: VantagePoint
    now: datetime = field(default_factory=lambda: datetime.now().astimezone())
    log: list[str] = field(default_factory=list)
    keys: Mapping[str, HostKeys] = field(default_factory=lambda: {MX1: TRUSTED, MX2: TRUSTED})
    kill: int | None = None
    """After how many things the next run is killed."""
    at: Callable[[str], None] = lambda what: None
    """Called with each thing that a run did or waited for."""

    def prepare(self, inventory: Inventory, **more: Any) -> Prepared:
        return sync.prepare(
            inventory,
            NAME,
            {},
            clock=self.clock,
            look_up=_nowhere,
            keys=self.keys,
            outside=self.outside,
            **more,
        )

    def run(self, inventory: Inventory, **more: Any) -> Prepared:
        """A run. What it did is in `log`."""
        return self.carry_out(self.prepare(inventory, **more))

    def withdraw(self, inventory: Inventory, **more: Any) -> Prepared:
        return self.carry_out(
            sync.prepare_withdrawal(
                inventory, NAME, clock=self.clock, look_up=_nowhere, outside=self.outside, **more
            )
        )

    def carry_out(self, prepared: Prepared) -> Prepared:
        self.log.clear()
        if not prepared.in_sync:
            carry_out(
                prepared,
                serve=lambda stage: 0.0,
                pause=self._pause,
                tell=lambda line: None,
                done=self._done,
            )
        return prepared

    @property
    def outside(self) -> Outside:
        return Outside(
            lambda zone: Signed(zone, False),
            lambda address: Greeting(failure="no route"),
            self.fetch,
            lambda hostname, chain, now: "" if chain == ("trusted",) else "its certificate is self-signed",
        )

    def fetch(self, domain: str) -> Served:
        return fetch(domain, self.vantage)

    def clock(self) -> datetime:
        return self.now

    def later(self, **time: float) -> None:
        """Let time pass. Records were changed so much earlier then."""
        self.now += timedelta(**time)

    def _pause(self, seconds: float) -> None:
        self.later(seconds=seconds)
        self._log(f"pause {seconds:g}")

    def _done(self, words: str) -> None:
        self._log(words.removeprefix(f"{NAME} "))
        if self.kill is not None:
            self.kill -= 1
            if self.kill < 0:
                self.kill = None
                raise Killed

    def _log(self, what: str) -> None:
        self.log.append(what)
        self.at(what)

    @property
    def mx(self) -> list[str]:
        return sorted(r["content"] for r in self.cloudflare.records(NAME) if r["type"] == "MX")

    @property
    def txt(self) -> dict[str, Any] | None:
        """The record at `_mta-sts`."""
        found = [r for r in self.cloudflare.records(NAME) if r["name"] == f"_mta-sts.{NAME}"]
        assert len(found) < 2
        return found[0] if found else None

    @property
    def announced(self) -> str | None:
        """The id that a sender reads."""
        return id_of([self.txt["content"].strip('"')]) if self.txt else None

    @property
    def served(self) -> str:
        """The mode and the hosts of the policy that a sender fetches, in one text."""
        found = self.fetch(NAME).policy
        return " ".join([found.mode, *found.mx]) if found else ""


def _nowhere(names: Any, cached: bool) -> list[Leads]:
    return [Leads(name) for name in names]


def site_of(cloudflare: StandIn, vantage: VantagePoint, port: int) -> Site:
    return Site(cloudflare, replace(vantage, https_port=port))
