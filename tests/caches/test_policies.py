"""No run of ours lets a sender defer mail because of an MTA-STS policy that it keeps.

Random sequences of what a user does, with any time between, runs that are killed between any two of their
steps, and an edge that is slow or does not answer. `policy_walk` says what is told apart as the user's own
doing. A machine that gets another name, or takes over that of another one, is not among these (docs/tls.md).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from dns.mta_sts.policy import LABEL, id_of
from tests.caches.inventories import MACHINES, MAIN, OTHER
from tests.caches.policy_steps import (
    DAY,
    NAMES,
    Action,
    Certify,
    EdgeIs,
    walks,
)
from tests.caches.policy_walk import PolicyWalk
from tests.caches.walk import site_of

THOROUGH = bool(os.environ.get("LETTERBOX_THOROUGH"))
AGES = {"testing": 86400, "enforce": 604800, "none": 86400}


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("state")


def walk_through(walk: PolicyWalk, steps: Sequence[Action]) -> None:
    for step in steps:
        step.take(walk)


def settle(walk: PolicyWalk) -> None:
    """Put everything in order that the user and Cloudflare have broken, and let runs go on until the end."""
    for step in (EdgeIs(10.0, False), *(Certify(name, 400.0) for name in MACHINES)):
        step.take(walk)
    for _ in range(4):
        assert walk.deploy(walk.step), "\n".join(walk.log)
        for domain in sorted({MAIN, OTHER} - set(walk.step.domains)):
            assert walk.withdraw(domain), "\n".join(walk.log)
        walk.passes(9 * DAY)


def state_of(walk: PolicyWalk) -> dict[str, tuple[str, set[str], int]]:
    """The mode, the mail hosts and the max_age of each domain's policy, which its TXT record names."""
    found = {}
    for domain in (MAIN, OTHER):
        policy = walk.site.edge.serves(domain).policy
        published = id_of(walk.site.authority.latest(f"{LABEL}.{domain}", "TXT"))
        assert published == (policy.id if policy else None), "\n".join(walk.log)
        if policy:
            found[domain] = (policy.mode, set(policy.mx), policy.max_age)
    return found


def check_end(walk: PolicyWalk) -> None:
    """Everything is as the last inventory says, and nothing of ours is left where nothing is wanted."""
    hosts = {NAMES[name] for name in walk.step.hosts}
    found = state_of(walk)
    for domain, data in walk.step.domains.items():
        mx = walk.site.authority.latest(domain, "MX")
        assert {value.split()[1] for value in mx} == hosts, "\n".join(walk.log)
        mode = data.get("mta_sts")
        if mode in ("testing", "enforce"):
            assert found[domain] == (mode, hosts, AGES[mode]), "\n".join(walk.log)
        elif mode == "none":
            assert domain not in found, "\n".join(walk.log)
        elif domain in found:
            assert found[domain][1] == hosts or found[domain][0] == "none", "\n".join(walk.log)
    assert set(found) <= set(walk.step.domains), "\n".join(walk.log)


def check_nothing_is_left(walk: PolicyWalk) -> None:
    """Withdraw everything. In the end nothing of ours is left."""
    for _ in range(3):
        for domain in (MAIN, OTHER):
            assert walk.withdraw(domain), "\n".join(walk.log)
        walk.passes(9 * DAY)
    cloudflare = walk.site.authority.cloudflare
    left = [
        f"{r['type']} {r['name']} {r['comment']}" for zone in (MAIN, OTHER) for r in cloudflare.records(zone)
    ]
    assert not left, "\n".join([*walk.log, *left])
    assert not cloudflare.account.scripts and not cloudflare.account.domains, "\n".join(walk.log)


@settings(max_examples=1000 if THOROUGH else 30, suppress_health_check=list(HealthCheck))
@given(steps=walks())
def test_no_sequence_of_runs_defers_mail_by_a_policy(state: Path, steps: list[Action]) -> None:
    with site_of(state) as site:
        walk = PolicyWalk(site)
        walk_through(walk, steps)
        settle(walk)
        check_end(walk)
        check_nothing_is_left(walk)
