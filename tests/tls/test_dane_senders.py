"""What a real sender that does DANE (RFC 7672) makes of a host: Postfix, to the real receiver."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.lab.lab import DOMAIN, HOSTNAME, Lab
from tests.lab.tls import dane_sender, pebble, signing
from tests.lab.tls.postfix import Sender
from tests.tls import host, zone
from tests.tls.pairs import Pair, digest, issuer_of, new_key, request, self_signed
from tests.waiting import wait_until

RECIPIENT = f"alice@{DOMAIN}"
OLD, NEW = new_key(), new_key()
EXPIRED = timedelta(days=-30)


@pytest.fixture(scope="module")
def sender(signed: Lab) -> Iterator[Sender]:
    with dane_sender.running(signed.world) as running:
        yield running


@pytest.fixture
def lab(signed: Lab) -> Iterator[Lab]:
    """The lab, whose host gets its own key and certificate back at the end."""
    with host.as_it_was(signed.target):
        yield signed


def test_a_certificate_of_an_authority_is_verified_by_its_key(lab: Lab, sender: Sender) -> None:
    with pebble.running(lab.world, bad_nonces=0) as authority:
        chain = authority.issue(request(OLD, HOSTNAME), functools.partial(zone.text, lab))
    assert issuer_of(chain).startswith("CN=Pebble Intermediate CA")
    host.install(lab.target, Pair(OLD, chain))
    zone.publish(lab, digest(OLD))
    assert sender.first_attempt(RECIPIENT).proved


def test_a_self_signed_certificate_of_the_published_key_is_verified(lab: Lab, sender: Sender) -> None:
    host.install(lab.target, self_signed(OLD, HOSTNAME))
    zone.publish(lab, digest(OLD))
    assert sender.first_attempt(RECIPIENT).proved


def test_an_expired_certificate_of_the_published_key_is_verified(lab: Lab, sender: Sender) -> None:
    host.install(lab.target, self_signed(OLD, HOSTNAME, valid_for=EXPIRED))
    zone.publish(lab, digest(OLD))
    assert sender.first_attempt(RECIPIENT).proved


def test_a_new_key_under_the_old_record_alone_is_deferred(lab: Lab, sender: Sender) -> None:
    """What a renewal with a new key does to every sender that does DANE."""
    zone.publish(lab, digest(OLD))
    host.install(lab.target, self_signed(NEW, HOSTNAME))
    attempt = sender.first_attempt(RECIPIENT)
    assert (attempt.status, attempt.code) == ("deferred", "4.7.5")
    assert "Server certificate not verified" in attempt.reply


def test_a_new_key_beside_which_the_old_record_stands_is_verified(lab: Lab, sender: Sender) -> None:
    zone.publish(lab, digest(OLD), digest(NEW))
    for key in (OLD, NEW):
        host.install(lab.target, self_signed(key, HOSTNAME))
        assert sender.first_attempt(RECIPIENT).proved


def test_a_new_key_is_deferred_by_a_sender_that_still_has_the_records_without_it(
    lab: Lab, sender: Sender
) -> None:
    """That both records stand is not enough: a sender keeps what it has read for its TTL."""
    host.install(lab.target, self_signed(OLD, HOSTNAME))
    zone.publish(lab, digest(OLD))
    assert sender.first_attempt(RECIPIENT).proved
    zone.publish(lab, digest(OLD), digest(NEW), forget=False)
    host.install(lab.target, self_signed(NEW, HOSTNAME))
    assert sender.first_attempt(RECIPIENT).code == "4.7.5"
    signing.forget(lab.world)
    assert sender.first_attempt(RECIPIENT).proved


@pytest.mark.parametrize("changed", ["key.pem", "certificate.pem"])
def test_a_pair_that_does_not_match_leaves_the_last_good_one_served(
    lab: Lab, sender: Sender, changed: str
) -> None:
    good, other = self_signed(OLD, HOSTNAME), self_signed(NEW, HOSTNAME)
    host.install(lab.target, good)
    zone.publish(lab, digest(OLD))
    host.put(lab.target, changed, other.key_pem if changed == "key.pem" else other.certificate)
    wait_until(
        lambda: host.served(lab.target.ipv4) and host.complaints(lab.target),
        "the receiver says what is wrong",
    )
    assert host.served(lab.target.ipv4) == good.leaf
    assert sender.first_attempt(RECIPIENT).proved


def test_without_a_record_mail_is_sent_to_an_unproved_key(lab: Lab, sender: Sender) -> None:
    zone.publish(lab)
    attempt = sender.first_attempt(RECIPIENT)
    assert (attempt.status, attempt.level, attempt.peer) == ("sent", "may", "Untrusted"), attempt


def test_a_record_of_an_unsigned_zone_counts_for_nothing(lab: Lab, sender: Sender) -> None:
    """Also one that no key of the host matches."""
    zone.publish(lab, digest(NEW))
    assert sender.first_attempt(RECIPIENT).status == "deferred"
    signing.unsign(lab.world, DOMAIN)
    try:
        signing.forget(lab.world)
        attempt = sender.first_attempt(RECIPIENT)
    finally:
        signing.sign(lab.world, DOMAIN)
        signing.hand_in(lab.world, DOMAIN, signing.own_ds(lab.world, DOMAIN))
    assert (attempt.status, attempt.level, attempt.peer) == ("sent", "may", "Untrusted"), attempt
