"""What is done in the wrong order is seen to defer mail, and the right order is not: so the walks can fail.

Nothing of our planning is used here. A hand without a plan makes the changes at the stand-in.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from dns.mta_sts.policy import LABEL, Policy, record
from provision.desired.letterbox_toml import letterbox_toml
from receiver.config.load import from_table
from tests.caches.inventories import MAIN
from tests.caches.policy_steps import DAY, NAMES, Certify, inventory
from tests.caches.policy_walk import PolicyWalk
from tests.caches.walk import Lost, site_of

ONE, TWO = NAMES["one"], NAMES["two"]
BOTH = (ONE, TWO)
NONE = Policy("none", (), 86400)


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("state")


def enforced(*hosts: str) -> Policy:
    return Policy("enforce", hosts, 604800)


@dataclass
class Hand:
    """Changes one thing after the other. Both machines take mail, and the MX leads to the first one."""

    walk: PolicyWalk

    def __post_init__(self) -> None:
        Certify("one", 90).take(self.walk)
        Certify("two", 90).take(self.walk)
        both = inventory(("one", "two"), {MAIN: None}).inventory
        for host in both.hosts:
            machine = self.walk.site.machines[host.name]
            machine.toml, machine.running = letterbox_toml(host, both.domains), True
            machine.config = from_table(tomllib.loads(machine.toml), host.name)
            address = {"type": "A", "name": host.hostname, "content": host.ipv4, "ttl": 300}
            self._batch(posts=[address])
        self.leads_to(ONE)
        self.wait(4000)

    def serves(self, policy: Policy) -> None:
        zone = self.walk.site.zones.holding(MAIN)
        self.walk.site.zones.workers.publish(zone, MAIN, policy.text)
        self.walk.happened(f"served: {policy}")

    def announces(self, policy: Policy) -> None:
        text = {"type": "TXT", "name": f"{LABEL}.{MAIN}", "content": f'"{record(policy.id)}"', "ttl": 60}
        self._batch(deletes=self._ours("TXT"), posts=[text])
        self.walk.happened(f"announced: {policy}")

    def leads_to(self, *hosts: str) -> None:
        mx = [{"type": "MX", "name": MAIN, "content": host, "priority": 10, "ttl": 300} for host in hosts]
        self._batch(deletes=self._ours("MX"), posts=mx)
        self.walk.happened(f"MX: {hosts}")

    def announces_nothing(self) -> None:
        self._batch(deletes=self._ours("TXT"))
        self.walk.happened("nothing announced")

    def serves_nothing(self) -> None:
        self.walk.site.zones.workers.remove(self.walk.site.zones.holding(MAIN), MAIN)
        self.walk.happened("nothing served")

    def wait(self, seconds: float) -> None:
        self.walk.passes(seconds)

    def _ours(self, kind: str) -> list[dict[str, object]]:
        records = self.walk.site.authority.cloudflare.records(MAIN)
        return [{"id": each["id"]} for each in records if each["type"] == kind]

    def _batch(self, **operations: object) -> None:
        self.walk.site.authority.cloudflare.zones[MAIN].batch(operations)
        self.walk.site.authority.publish()


def stands(hand: Hand, policy: Policy) -> None:
    """The policy has stood for a day."""
    hand.serves(policy)
    hand.announces(policy)
    hand.wait(DAY)


def policy_first(hand: Hand) -> None:
    hand.serves(enforced(ONE))
    hand.announces(enforced(ONE))
    hand.wait(60)


def text_first(hand: Hand) -> None:
    hand.announces(enforced(ONE))
    hand.serves(enforced(ONE))


def mx_after_the_ttl(hand: Hand, wait: float = 66) -> None:
    stands(hand, enforced(ONE))
    hand.serves(enforced(*BOTH))
    hand.announces(enforced(*BOTH))
    hand.wait(wait)
    hand.leads_to(*BOTH)
    hand.wait(60)


def mx_before_the_ttl(hand: Hand) -> None:
    mx_after_the_ttl(hand, 30)


def mx_before_the_policy(hand: Hand) -> None:
    stands(hand, enforced(ONE))
    hand.leads_to(*BOTH)


def shrunk_when_nobody_has_the_mx(hand: Hand, wait: float = 400) -> None:
    hand.leads_to(*BOTH)
    stands(hand, enforced(*BOTH))
    hand.leads_to(ONE)
    hand.wait(wait)
    stands(hand, enforced(ONE))


def shrunk_at_once(hand: Hand) -> None:
    shrunk_when_nobody_has_the_mx(hand, 0)


def gone_when_nobody_keeps_it(hand: Hand, wait: float = 8 * DAY) -> None:
    stands(hand, enforced(ONE))
    hand.serves(NONE)
    hand.announces(NONE)
    hand.wait(wait)
    hand.announces_nothing()
    hand.wait(66)
    hand.serves_nothing()
    hand.leads_to(TWO)
    hand.wait(400)


def gone_after_a_minute(hand: Hand) -> None:
    gone_when_nobody_keeps_it(hand, 60)


def not_served_while_announced(hand: Hand) -> None:
    stands(hand, NONE)
    hand.announces_nothing()
    hand.serves_nothing()


def only_testing_with_its_own_certificate(hand: Hand, mode: str = "testing") -> None:
    hand.walk.certify("one", None)
    stands(hand, Policy(mode, (ONE,), 86400))


def enforced_with_its_own_certificate(hand: Hand) -> None:
    only_testing_with_its_own_certificate(hand, "enforce")


def mx_before_its_certificate(hand: Hand) -> None:
    hand.walk.certify("two", None)
    mx_after_the_ttl(hand)


def uploaded_before_all_places_have_it(hand: Hand) -> None:
    stands(hand, enforced(ONE))
    hand.walk.site.edge.delay = 10
    hand.serves(enforced(*BOTH))
    hand.announces(enforced(*BOTH))


RIGHT = (
    policy_first,
    mx_after_the_ttl,
    shrunk_when_nobody_has_the_mx,
    gone_when_nobody_keeps_it,
    only_testing_with_its_own_certificate,
)
WRONG: Mapping[Callable[[Hand], None], str] = {
    text_first: "which is not served",
    mx_before_the_ttl: "does not list the mail host",
    mx_before_the_policy: "does not list the mail host",
    shrunk_at_once: "does not list the mail host",
    gone_after_a_minute: "does not list the mail host",
    not_served_while_announced: "which is not served",
    enforced_with_its_own_certificate: "asks for a certificate",
    mx_before_its_certificate: "asks for a certificate",
    uploaded_before_all_places_have_it: "which is not served",
}


@pytest.mark.parametrize("order", RIGHT)
def test_the_right_order_defers_no_mail(state: Path, order: Callable[[Hand], None]) -> None:
    with site_of(state) as site:
        order(Hand(PolicyWalk(site)))


@pytest.mark.parametrize("order", WRONG)
def test_the_wrong_order_is_seen_to_defer_mail(state: Path, order: Callable[[Hand], None]) -> None:
    with site_of(state) as site:
        hand = Hand(PolicyWalk(site))
        with pytest.raises(Lost, match=WRONG[order]):
            order(hand)


def test_a_certificate_that_the_user_lets_run_out_is_told_apart(state: Path) -> None:
    with site_of(state) as site:
        hand = Hand(PolicyWalk(site))
        Certify("one", 10).take(hand.walk)
        stands(hand, enforced(ONE))
        hand.wait(15 * DAY)


def test_what_was_promised_after_it_had_run_out_is_not(state: Path) -> None:
    with site_of(state) as site:
        hand = Hand(PolicyWalk(site))
        Certify("one", 10).take(hand.walk)
        stands(hand, enforced(ONE))
        hand.wait(15 * DAY)
        with pytest.raises(Lost, match="asks for a certificate"):
            stands(hand, enforced(*BOTH))
