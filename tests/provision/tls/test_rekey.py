"""When a host may go to its next key, by what the nameservers answered. Pure."""

from __future__ import annotations

from dataclasses import replace

import pytest

from provision.host import layout
from provision.host.observed import Observed
from provision.tls.rekey import Answer, Published, foreseen, may_rekey, obstacle
from tests.provision.hosts import BARE, DEPLOYED, KEY, NEXT, NOW, without_file

BOTH = frozenset({KEY.spki, NEXT.spki})
A, B = (Answer(f"{name}.ns.test", BOTH, 300) for name in "ab")
OLD = Published((A, B), NOW - 601)

MAY = {
    "both records have stood for two TTLs at every nameserver": OLD,
    "they have stood for two TTLs to the second": replace(OLD, since=NOW - 600),
    "a third key is published too": replace(OLD, answers=(replace(A, keys=BOTH | {"0" * 64}), B)),
}
MAY_NOT = {
    "a nameserver gave no answer": (
        replace(OLD, answers=(A, replace(B, keys=None))),
        "b.ns.test gave no answer",
    ),
    "no nameserver gave an answer": (
        replace(OLD, answers=(replace(A, keys=None), replace(B, keys=None))),
        "a.ns.test, b.ns.test gave no answer",
    ),
    "no nameserver is known": (Published((), NOW - 601), "no nameserver of the zone could be asked"),
    "a nameserver lacks the record": (
        replace(OLD, answers=(A, replace(B, keys=frozenset({KEY.spki})))),
        "b.ns.test lacks the TLSA record of the next key",
    ),
    "a nameserver has no record": (
        replace(OLD, answers=(A, replace(B, keys=frozenset()))),
        "b.ns.test lacks",
    ),
    "it has stood for less than two TTLs": (
        replace(OLD, since=NOW - 500),
        "must stand for 600 s, two TTLs, before the key is used, because senders may have the older records "
        "still: run it again in 100 s",
    ),
    "one nameserver says a longer TTL": (replace(OLD, answers=(A, replace(B, ttl=3600))), "stand for 7200 s"),
    "it came in this second": (replace(OLD, since=NOW), "run it again in 600 s"),
    "the clock of the zone is ahead": (replace(OLD, since=NOW + 60), "run it again in 660 s"),
    "it is not known since when it has stood": (replace(OLD, since=None), "it is not known since when"),
}


@pytest.mark.parametrize("case", MAY)
def test_a_host_may_go_to_its_next_key_if(case: str) -> None:
    assert may_rekey(NEXT.spki, MAY[case], NOW) == ""


@pytest.mark.parametrize("case", MAY_NOT)
def test_a_host_may_not_go_to_its_next_key_if(case: str) -> None:
    published, said = MAY_NOT[case]
    reason = may_rekey(NEXT.spki, published, NOW)
    assert said in reason
    assert "\n" not in reason


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
