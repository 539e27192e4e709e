"""What a user with MTA-STS policies does: steps of a walk, and strategies that draw them.

Each machine has one name, because a machine that gets another name needs another certificate (docs/tls.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from tests.caches.inventories import HOSTNAMES, MACHINES, MAIN, OTHER, Step, host
from tests.caches.policy_walk import PolicyWalk
from tests.caches.world.certificate import Certificate

NAMES = dict(zip(MACHINES, HOSTNAMES, strict=True))
DAY = 86400.0
TIMES = st.sampled_from([0.0, 1.0, 30.0, 59.0, 66.0, 200.0, 300.0, 481.0, 4000.0, DAY, 8 * DAY])
MODES = (None, "testing", "enforce", "none")


def inventory(
    machines: tuple[str, ...], modes: Mapping[str, str | None], *, ttl: int = 1, delay: float = 0.0
) -> Step:
    """An inventory with these machines, in which these domains have these modes. None leaves it out."""
    hosts: dict[str, dict[str, Any]] = {}
    for name in machines:
        hosts |= host(name, NAMES[name])
    domains = {
        name: {"mailboxes": ["a"], "ttl": ttl, **({"mta_sts": mode} if mode else {})}
        for name, mode in modes.items()
    }
    return Step(hosts, domains, 0.0, delay)


@dataclass(frozen=True)
class Deploy:
    """A deploy. It is killed after `kill` things, and may be unable to ask the hosts."""

    step: Step
    kill: int | None = None
    asks: bool = True

    def take(self, walk: PolicyWalk) -> bool:
        """True if the run ended well. So it is with each step."""
        walk.site.asks = self.asks
        try:
            return walk.deploy(self.step, kill=self.kill)
        finally:
            walk.site.asks = True


@dataclass(frozen=True)
class Certify:
    """A machine gets a certificate: good for so many days, or one of its own making."""

    machine: str
    days: float | None

    def take(self, walk: PolicyWalk) -> bool:
        certificate = None
        if self.days is not None:
            certificate = Certificate(NAMES[self.machine], walk.now + timedelta(days=self.days))
        walk.certify(self.machine, certificate)
        return True


@dataclass(frozen=True)
class EdgeIs:
    """From now on the edge needs so long for an upload, and it answers or does not."""

    delay: float
    fails: bool

    def take(self, walk: PolicyWalk) -> bool:
        walk.site.edge.delay, walk.site.edge.fails = self.delay, self.fails
        walk.say(f"edge: {self}")
        return True


@dataclass(frozen=True)
class Wait:
    """Time passes."""

    seconds: float

    def take(self, walk: PolicyWalk) -> bool:
        walk.passes(self.seconds)
        return True


@dataclass(frozen=True)
class Rekey:
    """`rekey.py` for this machine. It serves a certificate of its own making until it gets another one."""

    machine: str

    def take(self, walk: PolicyWalk) -> bool:
        walk.rekey(self.machine)
        return True


@dataclass(frozen=True)
class Withdraw:
    """`python -m dns.sync DOMAIN --withdraw`."""

    domain: str
    kill: int | None = None

    def take(self, walk: PolicyWalk) -> bool:
        return walk.withdraw(self.domain, kill=self.kill)


@dataclass(frozen=True)
class Destroy:
    """`destroy.py` for all hosts."""

    kill: int | None = None

    def take(self, walk: PolicyWalk) -> bool:
        return walk.destroy(kill=self.kill)


Action = Deploy | Certify | EdgeIs | Wait | Rekey | Withdraw | Destroy


@st.composite
def deploys(draw: st.DrawFn) -> Deploy:
    machines = draw(st.lists(st.sampled_from(MACHINES), min_size=1, max_size=2, unique=True))
    mode = st.sampled_from([None, "testing", *["enforce"] * 5, "none"])
    modes = {MAIN: draw(mode)}
    if draw(st.booleans()):
        modes[OTHER] = draw(mode)
    step = inventory(
        tuple(sorted(machines)),
        modes,
        ttl=draw(st.sampled_from([1, 60, 3600])),
        delay=draw(st.sampled_from([0.0, 0.0, 20.0])),
    )
    kill = draw(st.sampled_from([None, None, None, 0, 1, 2, 3, 4, 5, 6, 8, 10]))
    return Deploy(step, kill, asks=draw(st.sampled_from([True, True, True, True, False])))


KILLS = st.sampled_from([None, None, 0, 1, 2, 3])
OTHERS = st.one_of(
    st.builds(Certify, st.sampled_from(MACHINES), st.sampled_from([None, 90.0, 90.0, 90.0, 5.5, 4.0])),
    st.builds(EdgeIs, st.sampled_from([0.0, 10.0, 90.0, 900.0]), st.sampled_from([False, False, True])),
    st.builds(Rekey, st.sampled_from(MACHINES)),
    st.builds(Withdraw, st.sampled_from([MAIN, OTHER]), KILLS),
    st.builds(Destroy, KILLS),
)


@st.composite
def walks(draw: st.DrawFn) -> list[Action]:
    """Some certificates, and then deploys with something else in between, at any time."""
    trusted = draw(st.one_of(st.just(set(MACHINES)), st.sets(st.sampled_from(MACHINES))))
    steps: list[Action] = [Certify(name, 90.0) for name in sorted(trusted)]
    steps.append(draw(deploys()))
    for _ in range(draw(st.integers(2, 7))):
        steps.append(Wait(draw(TIMES)))
        steps.append(draw(st.one_of(deploys(), deploys(), OTHERS)))
    return steps
