"""A deploy that is cut off between any two changes of the zone is completed by the next."""

from __future__ import annotations

import os

import pytest

from tests.lab.lab import DOMAIN
from tests.provision.policy.place import EVERYTHING, Place, Seen, done

THOROUGH = os.environ.get("LETTERBOX_THOROUGH") == "1"
CHANGES: dict[str, tuple[dict[str, object], dict[str, object]]] = {
    "a policy comes": ({}, EVERYTHING),
    "another mode": ({"mta_sts": "testing"}, {"mta_sts": "enforce"}),
    "it is taken back": (EVERYTHING, {**EVERYTHING, "mta_sts": "none"}),
}
"""What the inventory says of the domain before and after."""
DONE = f"[{DOMAIN}] "


@pytest.fixture(scope="module")
def deployed(place: Place) -> Place:
    """The host is deployed, so that a run changes only the zone."""
    done(place.deploy(place.inventory({})))
    return place


@pytest.mark.parametrize("change", CHANGES if THOROUGH else ["a policy comes"])
def test_the_end_is_the_same_wherever_the_run_was_cut_off(deployed: Place, change: str) -> None:
    steps, wanted = _whole(deployed, change)
    assert len(steps) >= 3, steps
    for step in steps if THOROUGH else steps[1:3]:
        _begin(deployed, change)
        after = deployed.inventory(CHANGES[change][1])
        assert deployed.cut_off(after, step), f"it never said {step!r}"
        done(deployed.deploy(after))
        assert deployed.seen() == wanted, f"cut off after {step!r}"
        assert done(deployed.deploy(after, "-y", "--json")).changed() == []


def _whole(place: Place, change: str) -> tuple[list[str], Seen]:
    """What a run that is not cut off says after each change, and the end."""
    _begin(place, change)
    run = done(place.deploy(place.inventory(CHANGES[change][1])))
    said = [line.partition(DONE)[2].strip() for line in run.stderr.splitlines() if DONE in line]
    return said, place.seen()


def _begin(place: Place, change: str) -> None:
    place.without_a_policy()
    done(place.deploy(place.inventory(CHANGES[change][0])))
