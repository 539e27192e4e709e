"""Signed mail from Postfix to a deployed host, whose resolver answers, is silent, or is stopped."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator

import pytest

from provision.host import layout
from tests.dns.loopback.nameserver import Nameserver
from tests.lab.lab import Lab
from tests.lab.network import CONTROL
from tests.provision.admin.letters import arrived, identity, logged
from tests.receiver.checks.dkim import messages
from tests.services.resolver.test_on_a_host import without_resolved

ORIGIN = "bank.test"
ZONE = """\
$TTL 60
@ SOA ns hostmaster 1 3600 600 86400 30
@ NS ns
ns A 127.0.0.1
_dmarc TXT "v=DMARC1; p=reject"
"""


@pytest.fixture(scope="module")
def nameserver(deployed: Lab) -> Iterator[Nameserver]:
    """The nameserver of bank.test, which publishes its keys and asks to reject mail that fails."""
    address = deployed.network.address4(CONTROL)
    key = messages.record(messages.ed25519()).decode()
    keys = "".join(f'{name}._domainkey TXT "{key}"\n' for name in ("good", "bad", "silent", "stopped"))
    with Nameserver(None, {}, address, 53, zones={ORIGIN: ZONE + keys}, recursive=True) as running:
        deployed.world.run(f"unbound-control -q forward_add +i {ORIGIN}. {address}")
        yield running
        deployed.world.run(f"unbound-control -q forward_remove +i {ORIGIN}.")


def send(lab: Lab, selector: str, change: bytes = b"") -> tuple[dict[str, str], dict[str, object]]:
    """Send a message of bank.test. Returns what the journal and `letterbox list` say about it.

    `change` is put behind the body after it was signed.
    """
    subject = f"Signed, and {selector} {secrets.token_hex(4)}"
    fields = ((b"From", b" The Bank <service@bank.test>"), (b"Subject", f" {subject}".encode()))
    signed = messages.signed(
        {"d": ORIGIN, "s": selector, "a": "ed25519-sha256"}, fields, key=messages.ed25519()
    )
    lab.world.send(signed + change, ["alice@example.test"])
    said = logged(lab, identity(arrived(lab, subject)))
    listed = lab.target.run(f"{layout.COMMAND} list --json").stdout.splitlines()
    (shown,) = (each for each in map(json.loads, listed) if each["subject"] == subject)
    return said, shown


@pytest.mark.usefixtures("nameserver")
def test_signed_mail_is_really_from_its_domain(deployed: Lab) -> None:
    said, shown = send(deployed, "good")
    assert (said["dkim"], said["dmarc"], said["author"]) == ("pass", "pass", ORIGIN)
    assert (shown["authentic"], shown["authentic_by"]) == (True, "dkim")
    assert shown["authentic_text"] == "Really from bank.test: yes (DKIM pass, aligned)"


@pytest.mark.usefixtures("nameserver")
def test_a_changed_body_breaks_the_signature(deployed: Lab) -> None:
    said, shown = send(deployed, "bad", b"Send us your password.\r\n")
    assert (said["dkim"], said["dmarc"], said["policy"]) == ("fail", "fail", "reject")
    assert shown["authentic"] is False
    assert shown["authentic_text"] == (
        "Really from bank.test: NO: its owner asks to reject such mail (p=reject)"
    )


def test_silent_key_servers_cost_five_seconds_at_most(deployed: Lab, nameserver: Nameserver) -> None:
    nameserver.faults[f"silent._domainkey.{ORIGIN}", "*"] = "drop"
    try:
        said, shown = send(deployed, "silent")
    finally:
        nameserver.reset()
    assert (said["dkim"], said["dmarc"]) == ("temperror", "temperror")
    assert float(said["checks"]) < 10
    assert shown["authentic"] is None
    assert shown["authentic_text"] == "Really from bank.test: could not be checked: DNS did not answer"


@pytest.mark.usefixtures("nameserver")
def test_a_stopped_resolver_costs_no_time_and_no_mail(deployed: Lab) -> None:
    with without_resolved(deployed):
        for _ in range(3):  # A busy machine may stand still, but not each time.
            said, shown = send(deployed, "stopped")
            assert said["dkim"] == "temperror"
            assert shown["authentic"] is None
            if float(said["checks"]) < 1:
                break
    assert float(said["checks"]) < 1
