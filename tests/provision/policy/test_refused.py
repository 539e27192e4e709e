"""What stands in the way of a policy is said in one line before anything is touched."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dns.plan import Plan
from dns.records import Record
from tests.deploys import Run
from tests.lab.lab import DOMAIN
from tests.lab.world import NO_WORKERS_TOKEN
from tests.provision.policy.place import MX1, Place, done

pytestmark = pytest.mark.lab

WANTED = {"mta_sts": "testing"}
FOREIGN = {
    "a web site's address": Record("A", f"mta-sts.{DOMAIN}", "192.0.2.44"),
    "an alias": Record("CNAME", f"mta-sts.{DOMAIN}", "provider.test"),
    "another policy's TXT": Record("TXT", f"_mta-sts.{DOMAIN}", "v=STSv1; id=20200101"),
}


@pytest.fixture(autouse=True)
def untouched(place: Place) -> Iterator[None]:
    """The test must leave hosts and zone as they were."""
    look = "ls -laR --time-style=full-iso /etc/letterbox /opt/letterbox /etc/systemd/system; getent passwd"
    before = place.lab.target.run(look, check=False).stdout, place.seen()
    yield
    assert (place.lab.target.run(look, check=False).stdout, place.seen()) == before


def refusal(run: Run) -> str:
    """The line that says why. Nothing has begun."""
    assert run.code == 1, run.stdout + run.stderr
    for word in ("Traceback", "pyinfra error", "Starting operation"):
        assert word not in run.stderr
    return " ".join(run.stderr.split())


def test_a_token_without_the_right_is_told_which_one_is_missing(place: Place) -> None:
    inventory = place.inventory(WANTED)
    for how in ("--dry", "-y"):
        said = refusal(place.deploy(inventory, how, CLOUDFLARE_API_TOKEN=NO_WORKERS_TOKEN))
        assert "Account > Workers Scripts > Edit" in said
        assert DOMAIN in said


def test_a_domain_without_a_policy_does_not_need_the_right(place: Place) -> None:
    run = done(place.deploy(place.inventory({}), "--dry", CLOUDFLARE_API_TOKEN=NO_WORKERS_TOKEN))
    assert "Workers" not in run.stderr


@pytest.mark.parametrize("what", FOREIGN)
def test_a_record_of_somebody_else_at_our_names_is_in_the_way(place: Place, what: str) -> None:
    zones, record = place.zones, FOREIGN[what]
    zone = zones.holding(DOMAIN)
    assert zones.change(zone, Plan((), posts=(record,))).confirmed
    try:
        for how in ("--dry", "-y"):
            said = refusal(place.deploy(place.inventory(WANTED), how))
            assert record.name in said
            assert "nothing was changed" in said.lower()
        done(place.deploy(place.inventory({}), "--dry"))
    finally:
        held = [each for each in place.records() if each.record.value == record.value]
        assert zones.change(zone, Plan((), deletes=tuple(held))).confirmed


@pytest.mark.parametrize("script", ["deploy.py", "destroy.py"])
def test_a_policy_to_forget_of_a_domain_that_is_not_there_is_refused(place: Place, script: str) -> None:
    named = ("-y", "--data", "forget_policy=exmaple.test")
    said = refusal(place.deploy(place.inventory(WANTED), *named, script=script))
    assert "forget_policy=exmaple.test: the inventory has no domain of this name" in said


def test_a_wrong_word_for_the_policy_is_named_with_its_line(place: Place) -> None:
    said = refusal(place.deploy(place.inventory({"mta_sts": "enforced"})))
    assert "inventory.py:" in said
    assert "mta_sts" in said
    assert "did you mean" in said or '"enforce"' in said
    assert MX1 not in said, "nothing connects"
