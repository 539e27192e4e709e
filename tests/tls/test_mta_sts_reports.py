"""What a failed delivery becomes: a real report (RFC 8460), mailed to us by the sender, and shown."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.deploys import deploy, run_program
from tests.lab.lab import DOMAIN, HOSTNAME, Lab
from tests.lab.tls.sts_sender import StsSender
from tests.tls import host, policies
from tests.tls.pairs import Pair, self_signed
from tests.tls.policies import policy
from tests.waiting import wait_until

RECIPIENT = f"alice@{DOMAIN}"


@pytest.fixture(scope="module")
def asking(tls_lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The inventory of a deploy that asks senders for reports, and has made the mailbox for them."""
    inventory = tmp_path_factory.mktemp("reports") / "inventory.py"
    text = tls_lab.inventory.read_text()
    assert '"catch_all": None,' in text
    inventory.write_text(text.replace('"catch_all": None,', '"catch_all": None, "tls_reports": True,'))
    run = deploy(tls_lab, "-y", inventory=inventory)
    assert run.code == 0, run.stdout + run.stderr
    yield str(inventory)
    assert deploy(tls_lab, "-y").code == 0


def shown(lab: Lab) -> dict[str, Any]:
    """What `letterbox tls-reports` says."""
    found: dict[str, Any] = json.loads(lab.target.run(f"letterbox tls-reports {DOMAIN} --json").stdout)
    return found


def test_a_failed_delivery_becomes_a_report_that_is_mailed_to_us_and_shown(
    tls_lab: Lab, asking: str, sender_with_sts: StsSender, trusted: Pair, tmp_path: Path
) -> None:
    """The report comes through, although the host's certificate is still bad (RFC 8689)."""
    assert shown(tls_lab)["reports"] == 0
    sender, target = sender_with_sts, tls_lab.target
    with host.as_it_was(target), policies.taken_away(tls_lab):
        policies.publish(tls_lab, policy("enforce"))
        sender.forget()
        host.install(target, trusted)
        assert sender.first_attempt(RECIPIENT).verified
        host.install(target, self_signed(trusted.key, HOSTNAME))
        assert sender.first_attempt(RECIPIENT).code == "4.7.5"
        sender.drop_queue()
        sender.mail_reports()
        said = wait_until(lambda: (found := shown(tls_lab))["reports"] and found, "the report arrives")
    (one,) = said["senders"]
    assert (one["sender"], one["authentic"]) == ("sender.test", True), "its signature passes"
    assert (one["policy"], one["policy_domain"], one["mode"]) == ("sts", DOMAIN, "enforce")
    addresses = {target.ipv4, target.ipv6}
    assert (one["succeeded"], one["failed"]) == (1, len(addresses))
    assert {each["receiving_address"] for each in one["failures"]} == addresses
    assert {each["receiving_host"] for each in one["failures"]} == {HOSTNAME}
    assert {each["code"] for each in one["failures"]} == {"self-signed_certificate"}
    table = target.run(f"letterbox tls-reports {DOMAIN} --text").stdout
    assert "sender.test" in table
    assert "MTA-STS, enforce" in table
    assert "self-signed_certificate" in table
    inventory = tmp_path / "inventory.py"
    inventory.write_text(
        Path(asking).read_text().replace('"tls_reports"', '"mta_sts": "testing", "tls_reports"')
    )
    check = run_program(tls_lab, "dns.check", DOMAIN, "--inventory", str(inventory))
    assert f"sender.test reports {len(addresses)} failed sessions at {HOSTNAME}" in check.stdout, check.stdout
