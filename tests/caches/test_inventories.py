"""No change of the inventory returns mail to its author, whatever a sender has in its cache.

Random sequences of inventories are deployed, with any time between them. At every moment, also between two
steps of a deploy, senders fill their caches, and all senders that there ever were deliver again.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.caches.inventories import HOSTNAMES, MAIN, OTHER, SUB, Step, host, steps
from tests.caches.walk import Lost, walking


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("state")


@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(walk=st.lists(steps(), min_size=2, max_size=6))
def test_no_sequence_of_inventories_loses_mail(state: Path, walk: list[Step]) -> None:
    with walking(state) as world:
        for step in walk:
            world.deploy(step)
            world.passes(step.then)
        # In the end everything is as the last inventory says, and nothing of earlier ones is left.
        for _ in range(6):
            world.deploy(walk[-1])
            for domain in sorted({MAIN, OTHER, SUB} - set(walk[-1].domains)):
                world.site.withdraw(walk[-1].inventory, domain)
            world.passes(4000)
        cloudflare = world.site.authority.cloudflare
        left = [r for zone in (MAIN, OTHER) for r in cloudflare.records(zone)]
        assert {r["name"] for r in left if r["type"] == "MX"} == set(walk[-1].domains)
        assert {r["name"] for r in left if r["type"] != "MX"} == {
            data["hostname"] for data in walk[-1].hosts.values()
        }, "\n".join([*world.log, *(f"{r['name']} {r['content']} {r['comment']}" for r in left)])


DOMAIN = {MAIN: {"mailboxes": ["a"]}}
BOTH = {**DOMAIN, OTHER: {"mailboxes": ["b"]}}
ONE, TWO = host("one", HOSTNAMES[0]), host("two", HOSTNAMES[1])
CHANGES = {
    "renamed": [(ONE, BOTH), (host("one", HOSTNAMES[2]), BOTH)],
    "replaced": [(ONE, BOTH), (TWO, BOTH)],
    "replaced under the same name": [(ONE, BOTH), (host("two", HOSTNAMES[0]), BOTH)],
    "moved with both for a while": [(ONE, BOTH), ({**ONE, **TWO}, BOTH), (TWO, BOTH)],
    "several to one": [({**ONE, **TWO}, BOTH), (TWO, BOTH)],
    "names exchanged": [
        ({**ONE, **TWO}, BOTH),
        ({**host("one", HOSTNAMES[1]), **host("two", HOSTNAMES[0])}, BOTH),
    ],
    "no IPv6 any more": [(ONE, BOTH), (host("one", HOSTNAMES[0], public_ipv6=False), BOTH)],
    "another preference": [
        ({**ONE, **TWO}, BOTH),
        ({**host("one", HOSTNAMES[0], mx_preference=50), **TWO}, BOTH),
    ],
    "a domain taken out": [(ONE, BOTH), (ONE, DOMAIN)],
    "a domain taken out and back": [(ONE, BOTH), (ONE, DOMAIN), (ONE, BOTH)],
    "renamed and back": [(ONE, BOTH), (host("one", HOSTNAMES[2]), BOTH), (ONE, BOTH)],
    "renamed while a domain is taken out": [(ONE, BOTH), (host("one", HOSTNAMES[2]), DOMAIN)],
}
BOUNCED_AT_ONCE = {
    "renamed",
    "replaced",
    "renamed and back",
    "moved with both for a while",
}


@pytest.mark.parametrize("between", [0, 60, 299, 481, 3600])
@pytest.mark.parametrize("change", CHANGES)
def test_a_change_loses_no_mail(state: Path, change: str, between: float) -> None:
    with walking(state) as world:
        for hosts, domains in CHANGES[change]:
            step = Step(hosts, domains, between)
            for _ in range(3):
                world.deploy(step)
                world.passes(between)


@pytest.mark.parametrize("change", sorted(BOUNCED_AT_ONCE))
def test_the_same_change_is_seen_to_lose_mail_if_the_old_name_goes_at_once(state: Path, change: str) -> None:
    """As `--forget-host` does it. So these tests can fail."""
    with walking(state, forgetting=None) as world, pytest.raises(Lost, match="no address for any mail host"):
        for hosts, domains in CHANGES[change]:
            for _ in range(2):
                world.deploy(Step(hosts, domains, 60))
                world.passes(60)
