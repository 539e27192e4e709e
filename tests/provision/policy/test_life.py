"""A domain with a policy, from the first deploy of its host to its end, on real parts.

The tests of this module follow each other: each is a day in the life of one domain.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

from dns.mta_sts.policy import Policy
from tests.deploys import ROOT
from tests.lab.lab import DOMAIN
from tests.lab.tls import edge, signing
from tests.provision.policy.place import EVERYTHING, MX1, MX2, Place, done
from tests.tls import zone
from tests.tls.test_rollover import said_ds

pytestmark = pytest.mark.lab

DANE = {**EVERYTHING, "dane": True}
BOTH = (MX1, MX2)


@pytest.fixture(scope="module", autouse=True)
def begun(place: Place) -> None:
    """The first deploy of a bare host with every option, while Cloudflare takes some seconds to serve."""
    with edge.failing(place.lab.world, "stale", 8):
        run = done(place.deploy(place.inventory(DANE)))
    assert "Traceback" not in run.stderr
    place.ds = said_ds(run)


def test_the_first_deploy_enforces_a_policy_for_a_certificate_that_it_has_ordered(place: Place) -> None:
    assert place.policy() == Policy("enforce", (MX1,), 604800)
    assert place.values(DOMAIN, "MX") == [f"10 {MX1}"]
    assert place.values(f"_smtp._tls.{DOMAIN}", "TXT") == [f"v=TLSRPTv1; rua=mailto:tls-reports@{DOMAIN}"]


def test_it_publishes_the_account_of_the_certificate_that_it_has_ordered(place: Place) -> None:
    (caa,) = place.values(MX1, "CAA")
    assert "validationmethods=dns-01" in caa
    assert "accounturi=https://" in caa


def test_the_run_after_the_ds_publishes_the_keys_and_the_next_one_changes_nothing(place: Place) -> None:
    signing.hand_in(place.lab.world, DOMAIN, place.ds)
    inventory = place.inventory(DANE)
    done(place.deploy(inventory))
    assert len(zone.served(place.lab)) == 2
    before = place.seen()
    again = done(place.deploy(inventory, "-y", "--json"))
    assert again.changed() == []
    assert place.sync(inventory, "--check").code == 0
    assert place.seen() == before


def test_the_host_is_all_that_a_deployed_host_must_be(place: Place) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "tests/end_state", "--inventory", place.inventory(DANE)]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert found.returncode == 0, found.stdout


def test_a_dry_run_shows_what_happens_to_the_policy_and_changes_nothing(place: Place) -> None:
    before = place.seen()
    run = done(place.deploy(place.inventory({**DANE, "mta_sts": "testing"}), "--dry"))
    assert "testing" in run.stderr
    assert place.seen() == before


def test_a_host_whose_certificate_is_its_own_gets_no_mx_while_the_policy_is_enforced(place: Place) -> None:
    run = done(place.deploy(place.inventory(DANE, hosts=BOTH, certified=(MX1,))))
    said = run.stderr
    assert place.policy().mode == "testing", said
    assert f"{MX2}" in said
    assert place.policy().lists(MX2)


def test_a_host_that_comes_is_listed_before_its_mx_stands_and_enforced_with_its_certificate(
    place: Place,
) -> None:
    run = done(place.deploy(place.inventory(DANE, hosts=BOTH)))
    assert place.policy() == Policy("enforce", BOTH, 604800), run.stderr
    assert place.values(DOMAIN, "MX") == [f"10 {MX1}", f"20 {MX2}"]
    assert done(place.deploy(place.inventory(DANE, hosts=BOTH), "-y", "--json")).changed() == []


def test_a_host_that_goes_stays_in_the_policy_while_a_sender_may_have_its_mx(place: Place) -> None:
    alone = place.inventory(DANE)
    run = done(place.deploy(alone))
    assert place.values(DOMAIN, "MX") == [f"10 {MX1}"]
    assert place.policy() == Policy("enforce", BOTH, 604800), run.stderr
    assert f"letterbox {DOMAIN} leaving 20" in place.comment()
    assert done(place.deploy(alone, "-y", "--json")).changed() == []
    place.time_passes()
    done(place.deploy(alone))
    assert place.policy() == Policy("enforce", (MX1,), 604800)
    assert done(place.deploy(alone, "-y", "--json")).changed() == []


def test_none_says_farewell_and_the_run_after_its_time_takes_everything_away(place: Place) -> None:
    none = place.inventory({**DANE, "mta_sts": "none"})
    run = done(place.deploy(none))
    assert place.policy() == Policy("none", (), 86400)
    assert " UTC" in run.stderr, "it is said until when both must stand"
    again = done(place.deploy(none, "-y", "--json"))
    assert again.changed() == []
    assert " UTC" in again.stderr
    place.time_passes()
    done(place.deploy(none))
    _is_gone(place)
    assert done(place.deploy(none, "-y", "--json")).changed() == []


def test_destroy_says_farewell_and_the_run_after_its_time_takes_everything_away(place: Place) -> None:
    inventory = place.inventory({**DANE, "mta_sts": "testing"})
    done(place.deploy(inventory))
    assert place.policy().mode == "testing"
    run = done(place.deploy(inventory, script="destroy.py"))
    assert place.policy() == Policy("none", (), 86400)
    assert place.values(DOMAIN, "MX") == []
    assert " UTC" in run.stderr
    again = done(place.deploy(inventory, "-y", "--json", script="destroy.py"))
    assert again.changed() == []
    place.time_passes()
    done(place.deploy(inventory, script="destroy.py"))
    _is_gone(place)
    assert done(place.deploy(inventory, "-y", "--json", script="destroy.py")).changed() == []


def test_a_policy_that_is_to_be_forgotten_goes_at_once(place: Place) -> None:
    inventory = place.inventory(EVERYTHING)
    done(place.deploy(inventory))
    assert place.policy().mode == "enforce"
    named = ("-y", "--data", f"forget_policy={DOMAIN}")
    refused = place.deploy(inventory, *named)
    assert refused.code == 1
    assert '"mta_sts": "none"' in refused.stderr
    assert place.policy().mode == "enforce"
    done(place.deploy(inventory, *named, script="destroy.py"))
    _is_gone(place)


def _is_gone(place: Place) -> None:
    assert place.served().absent
    assert place.values(f"_mta-sts.{DOMAIN}", "TXT") == []
    zones = place.zones
    assert zones.workers.look(zones.holding(DOMAIN), DOMAIN).digest == ""
