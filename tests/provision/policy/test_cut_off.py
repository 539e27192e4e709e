"""A deploy that is cut off between any two changes of the zone is completed by the next."""

from __future__ import annotations

import os

import pytest

from tests.provision.policy.place import EVERYTHING, SAYS, Place, Seen, done

pytestmark = pytest.mark.lab

THOROUGH = os.environ.get("LETTERBOX_THOROUGH") == "1"
CHANGES: dict[str, tuple[dict[str, object], dict[str, object]]] = {
    "a policy comes": ({}, EVERYTHING),
    "another mode": ({"mta_sts": "testing"}, {"mta_sts": "enforce"}),
    "it is taken back": (EVERYTHING, {**EVERYTHING, "mta_sts": "none"}),
}
"""What the inventory says of the domain before and after."""


@pytest.fixture(scope="module")
def deployed(place: Place) -> Place:
    """The host is deployed, so that a run changes only the zone."""
    done(place.deploy(place.inventory({})))
    return place


@pytest.mark.timeout(3600 if THOROUGH else 900)  # A cut costs three deploys, and there are up to ten.
@pytest.mark.parametrize("change", CHANGES if THOROUGH else ["a policy comes"])
def test_the_end_is_the_same_wherever_the_run_was_cut_off(deployed: Place, change: str) -> None:
    lines, wanted = _whole(deployed, change)
    assert lines >= 4
    for line in range(1, lines) if THOROUGH else (lines - 2,):
        _begin(deployed, change)
        after = deployed.inventory(CHANGES[change][1])
        assert deployed.cut_off(after, line) == line
        done(deployed.deploy(after))
        assert deployed.seen() == wanted, f"cut off after line {line}"
        assert done(deployed.deploy(after, "-y", "--json")).changed() == []


def _whole(place: Place, change: str) -> tuple[int, Seen]:
    """How many lines a run says that is not cut off, and its end."""
    _begin(place, change)
    run = done(place.deploy(place.inventory(CHANGES[change][1])))
    return sum(SAYS in line for line in run.stderr.splitlines()), place.seen()


def _begin(place: Place, change: str) -> None:
    place.without_a_policy()
    done(place.deploy(place.inventory(CHANGES[change][0])))
