"""What of a host itself keeps it from its next key. Pure. What the DNS says of it: tests/dns/dane."""

from __future__ import annotations

from dataclasses import replace

import pytest

from provision.host import layout
from provision.host.observed import Observed
from provision.tls.rekey import foreseen, obstacle
from tests.provision.hosts import BARE, DEPLOYED, KEY, NEXT, without_file

NO_NEXT = replace(DEPLOYED, tls=replace(DEPLOYED.tls, next=None))
OBSTACLES: dict[str, tuple[Observed, str]] = {
    "none": (DEPLOYED, ""),
    "a bare host": (BARE, "its keys cannot be read without openssl: deploy"),
    "no next key": (NO_NEXT, "it has no next key that can be used: deploy"),
    "a next key in the folder of another": (
        replace(DEPLOYED, tls=replace(DEPLOYED.tls, next=KEY)),
        "it has no next key that can be used: deploy",
    ),
    "no key": (
        replace(DEPLOYED, tls=replace(DEPLOYED.tls, key=None)),
        "the key in use cannot be read: deploy",
    ),
    "the layout of 0.2": (without_file(layout.KEY_IN_USE), "its key lies where an earlier release put it"),
}


@pytest.mark.parametrize("case", OBSTACLES)
def test_what_of_a_host_stands_in_the_way_is_said(case: str) -> None:
    seen, said = OBSTACLES[case]
    assert obstacle(seen).startswith(said)
    assert bool(obstacle(seen)) == bool(said)


def test_what_a_run_does_is_said_before() -> None:
    (line,) = foreseen(DEPLOYED)
    assert line.startswith(f"goes from key {KEY.spki[:16]} to its next key {NEXT.spki[:16]}")
    gone_on = replace(DEPLOYED, tls=replace(DEPLOYED.tls, key=NEXT))
    (line,) = foreseen(gone_on)
    assert line.startswith(f"it has gone to its next key already ({NEXT.spki[:16]})")
