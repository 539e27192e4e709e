"""Named changes under an MTA-STS policy, killed at every step: no sender defers, the next run ends them."""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from tests.caches.inventories import MAIN, OTHER
from tests.caches.policy_ends import check_end, settle
from tests.caches.policy_steps import (
    DAY,
    Action,
    Certify,
    Deploy,
    Destroy,
    Withdraw,
    inventory,
)
from tests.caches.policy_walk import PolicyWalk
from tests.caches.walk import site_of

THOROUGH = os.environ.get("LETTERBOX_THOROUGH") == "1"


def deploy(*machines: str, **modes: str | None) -> Deploy:
    """A deploy of these machines for example.test, and for other.test if `other` is given."""
    names = {"mode": MAIN, "other": OTHER}
    return Deploy(inventory(machines, {names[key]: mode for key, mode in modes.items()}, delay=5))


ENFORCED = deploy("one", mode="enforce")
BOTH = deploy("one", "two", mode="enforce")
SECOND = deploy("two", mode="enforce")
TESTED = deploy("one", mode="testing")
ENDED = deploy("one", mode="none")
LEFT_OUT = deploy("one", mode=None)
GOOD = (Certify("one", 90), Certify("two", 90))

CHANGES: Mapping[str, tuple[Action, ...]] = {
    "a first deploy": (ENFORCED,),
    "a first policy": (LEFT_OUT, ENFORCED),
    "tested, then enforced": (TESTED, ENFORCED),
    "enforced, then tested": (ENFORCED, TESTED),
    "a host more": (ENFORCED, BOTH),
    "a host less": (BOTH, ENFORCED),
    "another host": (ENFORCED, SECOND),
    "another host and back": (ENFORCED, SECOND, ENFORCED),
    "another host, tested": (TESTED, deploy("two", mode="testing")),
    "taken back": (ENFORCED, ENDED),
    "taken back and wanted again": (ENFORCED, ENDED, ENFORCED),
    "taken back, and another host": (ENFORCED, ENDED, deploy("two", mode="none")),
    "left out": (ENFORCED, LEFT_OUT),
    "left out, and wanted again": (ENFORCED, LEFT_OUT, TESTED),
    "withdrawn": (ENFORCED, Withdraw(MAIN)),
    "withdrawn, and wanted again": (ENFORCED, Withdraw(MAIN), SECOND),
    "withdrawn without a policy, and another host": (LEFT_OUT, Withdraw(MAIN), SECOND),
    "withdrawn without a policy, and another host whose certificate comes later": (
        deploy("two", mode=None, other=None),
        Withdraw(OTHER),
        Certify("one", None),
        deploy("one", mode=None, other="enforce"),
        Certify("one", 90),
        deploy("one", mode=None, other="enforce"),
    ),
    "one of two domains withdrawn without a policy, and another host": (
        deploy("one", mode=None, other=None),
        Withdraw(MAIN),
        deploy("two", mode="enforce", other=None),
    ),
    "withdrawn and forgotten, and another host": (ENFORCED, Withdraw(MAIN, forgets=True), SECOND),
    "destroyed": (ENFORCED, Destroy()),
    "destroyed, and another host": (ENFORCED, Destroy(), SECOND),
    "a domain more": (ENFORCED, deploy("one", mode="enforce", other="enforce")),
    "a domain less": (deploy("one", mode="enforce", other="enforce"), ENFORCED),
    "another host for two domains": (
        deploy("one", mode="testing", other="enforce"),
        deploy("two", mode="testing", other="enforce"),
    ),
    "a host less for two domains": (
        deploy("one", "two", mode="enforce", other="enforce"),
        deploy("one", mode="enforce", other="enforce"),
    ),
}
BETWEEN = (0.0, 30.0, 300.0, 4000.0, 8 * DAY) if THOROUGH else (0.0,)
KILLED = CHANGES if THOROUGH else ("another host",)


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("state")


def walk_through(walk: PolicyWalk, change: str, between: float) -> None:
    """Walk up to the last run."""
    for step in GOOD:
        step.take(walk)
    for step in CHANGES[change][:-1]:
        step.take(walk)
        walk.passes(between)


@pytest.mark.parametrize("between", BETWEEN)
@pytest.mark.parametrize("change", CHANGES)
def test_a_change_defers_no_mail(state: Path, change: str, between: float) -> None:
    with site_of(state) as site:
        walk = PolicyWalk(site)
        walk_through(walk, change, between)
        CHANGES[change][-1].take(walk)
        walk.passes(between)
        settle(walk)
        check_end(walk)


@pytest.mark.parametrize("change", KILLED)
def test_a_run_that_is_killed_anywhere_is_finished_by_the_next(state: Path, change: str) -> None:
    for kill in itertools.count():
        with site_of(state) as site:
            walk = PolicyWalk(site)
            walk_through(walk, change, 300.0)
            last = CHANGES[change][-1]
            assert isinstance(last, Deploy | Withdraw | Destroy)
            well = replace(last, kill=kill).take(walk)
            last.take(walk)
            settle(walk)
            check_end(walk)
            if well:
                break
    assert kill > 0
