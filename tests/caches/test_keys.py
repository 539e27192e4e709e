"""No rekey and no deploy lets a sender meet a key that its cached TLSA records do not name.

Random sequences of deploys, renames and rekeys, with any time between them. At every moment senders fill
their caches, and all senders that there ever were deliver again. A machine keeps its keys when it gets
another name. A machine that takes over the name of another one is not among these (docs/tls.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.caches.inventories import MAIN, OTHER, SUB, Step, host
from tests.caches.walk import Lost, Walk, walking

NAMES = {"one": ("mx1", "mail1"), "two": ("mx2", "mail2")}
TIMES = st.sampled_from([0.0, 1.0, 20.0, 150.0, 299.0, 301.0, 580.0, 601.0, 1200.0, 4000.0])


@dataclass(frozen=True)
class Rekey:
    """`rekey.py` for this machine, and how many seconds pass afterwards."""

    machine: str
    then: float


@st.composite
def walks(draw: st.DrawFn) -> list[Step | Rekey]:
    """Deploys of one or two machines, each by one of its names, and rekeys. The domains stay the same.

    Another domain of the zone may ask for DANE, or may not, and the next deploy may change that.
    """
    ttl = st.sampled_from([1, 60, 3600])
    others = draw(st.lists(st.sampled_from([OTHER, SUB]), unique=True))
    delay = draw(st.sampled_from([0.0, 20.0]))

    def deploy() -> Step:
        machines = draw(st.lists(st.sampled_from(sorted(NAMES)), min_size=1, max_size=2, unique=True))
        hosts = {}
        for machine in machines:
            hosts |= host(machine, f"{draw(st.sampled_from(NAMES[machine]))}.{MAIN}")
        domains = {MAIN: {"mailboxes": ["a"], "dane": True, "ttl": draw(ttl)}}
        domains |= {
            name: {"mailboxes": ["a"], "dane": draw(st.booleans()), "ttl": draw(ttl)} for name in others
        }
        return Step(hosts, domains, draw(TIMES), delay)

    steps: list[Step | Rekey] = [deploy()]
    rekeys = draw(st.lists(st.sampled_from([True, True, False]), min_size=2, max_size=8))
    steps += [Rekey(draw(st.sampled_from(sorted(NAMES))), draw(TIMES)) if it else deploy() for it in rekeys]
    return steps


def walk_through(world: Walk, steps: list[Step | Rekey]) -> int:
    """Walk, and return how many rekeys were made."""
    made = 0
    last: Step | None = None
    for step in steps:
        if isinstance(step, Step):
            world.deploy(step)
            last = step
        elif last is not None and step.machine in world.hosts:
            why = world.site.rekey(Step(world.hosts, last.domains, 0).inventory, step.machine)
            world.log.append(f"{world.clock.now:%H:%M:%S} rekey of {step.machine}: {why or 'made'}")
            made += not why
            world.everybody_sends()
        world.passes(step.then)
    return made


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("state")


@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(walk=walks())
def test_no_sequence_of_deploys_and_rekeys_defers_mail(state: Path, walk: list[Step | Rekey]) -> None:
    with walking(state) as world:
        walk_through(world, walk)


ONE = Step(host("one", f"mx1.{MAIN}"), {MAIN: {"mailboxes": ["a"], "dane": True}}, 601)
RENAMED = Step(host("one", f"mail1.{MAIN}"), {MAIN: {"mailboxes": ["a"], "dane": True, "ttl": 3600}}, 601)
LONG = Step(host("one", f"mx1.{MAIN}"), {MAIN: {"mailboxes": ["a"], "dane": True, "ttl": 3600}}, 601)


def test_after_two_ttls_every_rekey_is_made(state: Path) -> None:
    with walking(state) as world:
        assert walk_through(world, [ONE, *[Rekey("one", 10), ONE] * 4]) == 4


def test_a_rekey_before_that_is_refused(state: Path) -> None:
    with walking(state) as world:
        soon = Step(ONE.hosts, ONE.domains, 590)
        assert walk_through(world, [ONE, Rekey("one", 0), Rekey("one", 0)]) == 1, "the next is not published"
        assert walk_through(world, [soon, Rekey("one", 20), Rekey("one", 0)]) == 1


@pytest.mark.parametrize(
    "steps",
    [
        [ONE, Rekey("one", 0), Rekey("one", 0)],
        [ONE, Rekey("one", 0), Step(ONE.hosts, ONE.domains, 1), Rekey("one", 0)],
        [LONG, RENAMED, Rekey("one", 0), RENAMED, Rekey("one", 0)],
    ],
    ids=["not published", "just published", "an old name"],
)
def test_without_the_rule_mail_is_deferred(state: Path, steps: list[Step | Rekey]) -> None:
    """So these tests can fail."""
    with walking(state) as world:
        walk_through(world, steps)
    with walking(state) as world, pytest.raises(Lost, match="is not one of the TLSA records"):
        world.site.waits = False
        walk_through(world, steps)
