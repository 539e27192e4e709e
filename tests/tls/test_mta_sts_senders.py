"""What a real sender that does MTA-STS (RFC 8461) makes of a host and of its policy: Postfix, over HTTPS."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from cryptography import x509

from tests.lab.cloudflare.edge import FaultKind
from tests.lab.lab import DOMAIN, HOSTNAME, Lab
from tests.lab.tls import edge
from tests.lab.tls.pebble import Pebble
from tests.lab.tls.sts_sender import StsSender
from tests.tls import host, policies, zone
from tests.tls.pairs import Pair, issuer_of, new_key, request, self_signed
from tests.tls.policies import policy
from tests.waiting import wait_until

RECIPIENT = f"alice@{DOMAIN}"
OTHER = f"mx2.{DOMAIN}"
KEY = new_key()


@pytest.fixture
def sender(sender_with_sts: StsSender) -> StsSender:
    return sender_with_sts


@pytest.fixture
def lab(tls_lab: Lab, sender: StsSender) -> Iterator[Lab]:
    """The lab without a policy, and with a sender that knows of none. Its host gets its certificate back."""
    with host.as_it_was(tls_lab.target), policies.taken_away(tls_lab):
        sender.forget()
        yield tls_lab
        sender.drop_queue()


UNTRUSTED = self_signed(KEY, HOSTNAME)


def test_under_enforce_a_certificate_of_an_authority_is_verified(
    lab: Lab, sender: StsSender, trusted: Pair
) -> None:
    assert issuer_of(trusted.certificate).startswith("CN=Pebble Intermediate CA")
    host.install(lab.target, trusted)
    policies.publish(lab, policy("enforce"))
    attempt = sender.first_attempt(RECIPIENT)
    assert attempt.verified, attempt


def test_under_enforce_a_self_signed_certificate_is_deferred(lab: Lab, sender: StsSender) -> None:
    host.install(lab.target, UNTRUSTED)
    policies.publish(lab, policy("enforce"))
    attempt = sender.first_attempt(RECIPIENT)
    assert (attempt.status, attempt.code) == ("deferred", "4.7.5"), attempt
    assert attempt.why.endswith("self-signed certificate"), attempt


def test_under_enforce_an_expired_certificate_is_deferred(lab: Lab, sender: StsSender, ca: Pebble) -> None:
    chain = ca.issue(request(KEY, HOSTNAME), functools.partial(zone.text, lab), "seconds")
    ends = x509.load_pem_x509_certificates(chain.encode())[0].not_valid_after_utc
    host.install(lab.target, Pair(KEY, chain))
    policies.publish(lab, policy("enforce"))
    wait_until(lambda: datetime.now(UTC) > ends, "the certificate ends")
    attempt = sender.first_attempt(RECIPIENT)
    assert (attempt.status, attempt.code) == ("deferred", "4.7.5"), attempt
    assert attempt.why.endswith("certificate has expired"), attempt


def test_under_enforce_a_host_that_the_policy_does_not_list_is_deferred(
    lab: Lab, sender: StsSender, trusted: Pair
) -> None:
    """Postfix does not even connect to it, so its own code has nothing of TLS."""
    host.install(lab.target, trusted)
    policies.publish(lab, policy("enforce", OTHER))
    attempt = sender.first_attempt(RECIPIENT)
    assert (attempt.status, attempt.code) == ("deferred", "4.3.0"), attempt
    assert attempt.why == f"MX name '{HOSTNAME}' does not match STS MX pattern for '{DOMAIN}'", attempt


@pytest.mark.parametrize("mode", ["testing", "none"])
def test_under_another_mode_a_self_signed_certificate_is_sent_to(
    lab: Lab, sender: StsSender, mode: str
) -> None:
    host.install(lab.target, UNTRUSTED)
    policies.publish(lab, policy(mode))
    attempt = sender.first_attempt(RECIPIENT)
    assert (attempt.status, attempt.level, attempt.peer) == ("sent", "may", "Untrusted"), attempt


@pytest.mark.parametrize("fault", ["down", "404", "redirect", "wrong certificate", "untrusted", "html"])
def test_a_sender_that_cannot_fetch_the_policy_and_keeps_none_sends(
    lab: Lab, sender: StsSender, fault: FaultKind
) -> None:
    host.install(lab.target, UNTRUSTED)
    policies.publish(lab, policy("enforce"))
    with edge.failing(lab.world, fault):
        attempt = sender.first_attempt(RECIPIENT)
    assert (attempt.status, attempt.level, attempt.peer) == ("sent", "may", "Untrusted"), attempt


@pytest.mark.parametrize("fault", ["down", "wrong certificate"])
def test_a_sender_that_cannot_fetch_the_policy_enforces_the_one_that_it_keeps(
    lab: Lab, sender: StsSender, trusted: Pair, fault: FaultKind
) -> None:
    """Also if the TXT record tells of another by now."""
    host.install(lab.target, trusted)
    policies.publish(lab, policy("enforce"))
    assert sender.first_attempt(RECIPIENT).verified
    policies.publish(lab, policy("none"))
    with edge.failing(lab.world, fault):
        sender.forget_names()
        assert sender.first_attempt(RECIPIENT).verified
        host.install(lab.target, UNTRUSTED)
        assert sender.first_attempt(RECIPIENT).code == "4.7.5"


def test_a_new_policy_is_taken_when_the_record_tells_of_it_and_not_before(
    lab: Lab, sender: StsSender, trusted: Pair
) -> None:
    host.install(lab.target, trusted)
    policies.publish(lab, policy("enforce", OTHER))
    assert sender.first_attempt(RECIPIENT).status == "deferred"
    both = policy("enforce", OTHER, HOSTNAME)
    policies.serve(lab, both)
    sender.forget_names()
    assert sender.first_attempt(RECIPIENT).status == "deferred"
    policies.tell(lab, both)
    sender.forget_names()
    assert sender.first_attempt(RECIPIENT).verified


def test_a_sender_that_keeps_the_record_does_not_learn_of_a_new_policy(
    lab: Lab, sender: StsSender, trusted: Pair
) -> None:
    """Why a new mail host waits for the TTL of the record (see `dns.sync`)."""
    host.install(lab.target, trusted)
    policies.publish(lab, policy("enforce", OTHER))
    assert sender.first_attempt(RECIPIENT).status == "deferred"
    policies.publish(lab, policy("enforce", OTHER, HOSTNAME))
    assert sender.first_attempt(RECIPIENT).status == "deferred"


def test_after_the_farewell_a_self_signed_certificate_is_sent_to(
    lab: Lab, sender: StsSender, trusted: Pair
) -> None:
    host.install(lab.target, trusted)
    policies.publish(lab, policy("enforce"))
    assert sender.first_attempt(RECIPIENT).verified
    policies.publish(lab, policy("none"))
    sender.forget_names()
    host.install(lab.target, UNTRUSTED)
    attempt = sender.first_attempt(RECIPIENT)
    assert (attempt.status, attempt.level, attempt.peer) == ("sent", "may", "Untrusted"), attempt


def test_without_the_farewell_a_record_taken_away_leaves_the_policy_in_force(
    lab: Lab, sender: StsSender
) -> None:
    """What somebody does who deletes record and policy in one go."""
    policies.publish(lab, policy("enforce"))
    host.install(lab.target, UNTRUSTED)
    assert sender.first_attempt(RECIPIENT).code == "4.7.5"
    policies.take_away(lab)
    sender.forget_names()
    assert sender.first_attempt(RECIPIENT).code == "4.7.5"
