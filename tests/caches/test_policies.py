"""No run of ours lets a sender defer mail because of an MTA-STS policy that it keeps.

Random sequences of what a user does, with any time between, runs that are killed between any two of their
steps, and an edge that is slow or does not answer. `fault` says what is told apart as the user's own doing.
Not among these are a machine that gets another name or takes over that of another one (docs/tls.md), and a
sender with several resolvers.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from tests.caches.policy_ends import check_end, check_nothing_is_left, settle
from tests.caches.policy_steps import (
    Action,
    walks,
)
from tests.caches.policy_walk import PolicyWalk
from tests.caches.walk import site_of

THOROUGH = os.environ.get("LETTERBOX_THOROUGH") == "1"
AGES = {"testing": 86400, "enforce": 604800, "none": 86400}


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("state")


def walk_through(walk: PolicyWalk, steps: Sequence[Action]) -> None:
    for step in steps:
        step.take(walk)


@pytest.mark.timeout(7200 if THOROUGH else 900)
# `make test` has the same walks each time, so that chance does not break it. `make thorough` draws new ones.
@settings(
    max_examples=500 if THOROUGH else 25, derandomize=not THOROUGH, suppress_health_check=list(HealthCheck)
)
@given(steps=walks())
def test_no_sequence_of_runs_defers_mail_by_a_policy(state: Path, steps: list[Action]) -> None:
    with site_of(state) as site:
        walk = PolicyWalk(site)
        walk_through(walk, steps)
        settle(walk)
        check_end(walk)
        check_nothing_is_left(walk)
