"""The lab's signed DNS and its certificate authority are what other tests take them for."""

from __future__ import annotations

import pytest
from dns.flags import Flag
from dns.message import make_query
from dns.query import udp

from tests.lab.lab import DOMAIN, HOSTNAME, Lab
from tests.lab.network import VALIDATOR
from tests.lab.tls import dane_sender, pebble, signing, sts_sender
from tests.tls import zone

FOREIGN_DS = "12345 13 2 " + "AB" * 32


@pytest.fixture
def unsigned(tls_lab: Lab):
    """The lab, whose zone is as it was before, again, at the end."""
    yield tls_lab
    zone.switch_dnssec(tls_lab, "disabled")
    signing.unsign(tls_lab.world, DOMAIN)


def test_a_zone_is_unsigned_and_its_answers_are_as_before(unsigned: Lab) -> None:
    answer = signing.validated(unsigned.world, HOSTNAME, "A")
    assert (answer.status, answer.secure, answer.data) == ("NOERROR", False, (unsigned.target.ipv4,))
    assert unsigned.world.lookup(DOMAIN, "DNSKEY") == []


def test_the_root_and_the_registry_are_signed_and_proved(tls_lab: Lab) -> None:
    for name in (".", "test."):
        assert signing.validated(tls_lab.world, name, "SOA").secure


def test_a_zone_is_proved_once_it_is_signed_and_its_ds_is_at_the_registry(unsigned: Lab) -> None:
    world = unsigned.world
    signing.sign(world, DOMAIN)
    assert not signing.validated(world, HOSTNAME, "A").secure
    ds = signing.own_ds(world, DOMAIN)
    signing.hand_in(world, DOMAIN, ds)
    assert [each.upper() for each in signing.at_parent(world, DOMAIN)] == [ds.upper()]
    assert signing.validated(world, HOSTNAME, "A").secure
    assert signing.validated(world, f"nowhere.{DOMAIN}", "A").status == "NXDOMAIN"
    assert signing.validated(world, f"nowhere.{DOMAIN}", "A").secure


def test_dnssec_at_cloudflare_signs_the_zone_and_names_the_ds_of_its_key(unsigned: Lab) -> None:
    world = unsigned.world
    said = zone.switch_dnssec(unsigned, "active")
    ds = signing.own_ds(world, DOMAIN)
    assert said["status"] == "pending"
    assert said["ds"].partition(" DS ")[2].upper() == ds.upper()
    assert world.lookup(DOMAIN, "DNSKEY") == [f"257 3 13 {said['public_key']}"]
    assert not signing.validated(world, HOSTNAME, "A").secure
    signing.hand_in(world, DOMAIN, said["ds"].partition(" DS ")[2])
    assert zone.dnssec(unsigned)["status"] == "active"
    assert signing.validated(world, HOSTNAME, "A").secure


def test_what_is_published_in_a_signed_zone_is_signed_too(unsigned: Lab) -> None:
    zone.switch_dnssec(unsigned, "active")
    signing.hand_in(unsigned.world, DOMAIN, signing.own_ds(unsigned.world, DOMAIN))
    zone.publish(unsigned, "ab" * 32)
    answer = signing.validated(unsigned.world, zone.NAME, "TLSA")
    assert (answer.secure, [each.replace(" ", "") for each in answer.data]) == (True, ["311" + "AB" * 32])
    zone.publish(unsigned)
    answer = signing.validated(unsigned.world, zone.NAME, "TLSA")
    assert (answer.status, answer.secure) == ("NXDOMAIN", True)


def test_both_nameservers_sign_with_the_same_key(unsigned: Lab) -> None:
    key = signing.sign(unsigned.world, DOMAIN)
    for number in (53, 54):
        server = unsigned.network.address4(number)
        asked = unsigned.world.run(["kdig", "+short", f"@{server}", DOMAIN, "DNSKEY"]).stdout.split("\n")
        assert asked[0].split() == key.split()


@pytest.mark.parametrize("how", ["the DS is another key's", "the zone is no longer signed"])
def test_a_zone_that_cannot_be_proved_is_not_answered(unsigned: Lab, how: str) -> None:
    world = unsigned.world
    signing.sign(world, DOMAIN)
    ds = signing.own_ds(world, DOMAIN)
    if how == "the DS is another key's":
        signing.hand_in(world, DOMAIN, FOREIGN_DS)
    else:
        signing.unsign(world, DOMAIN)
        signing.hand_in(world, DOMAIN, ds)
    assert signing.validated(world, HOSTNAME, "A").status == "SERVFAIL"


def test_the_control_machine_can_ask_the_resolver_that_validates(tls_lab: Lab) -> None:
    signing.start_validating(tls_lab.world)
    query = make_query("test.", "SOA", want_dnssec=True)
    assert udp(query, tls_lab.network.address4(VALIDATOR), timeout=30).flags & Flag.AD


def test_pebble_answers_the_control_machine_and_the_host(tls_lab: Lab) -> None:
    with pebble.running(tls_lab.world) as authority:
        assert "BEGIN CERTIFICATE" in authority.root()
        tls_lab.target.write("/root/authority.pem", authority.authority)
        ask = (
            "import json, ssl, urllib.request as r;"
            f" print(json.load(r.urlopen('{authority.directory}',"
            " context=ssl.create_default_context(cafile='/root/authority.pem')))['meta']['profiles'])"
        )
        said = tls_lab.target.run(["python3", "-c", ask]).stdout
    assert all(profile in said for profile in pebble.PROFILES)


def test_no_boot_waits_for_what_a_test_has_to_ask_for(tls_lab: Lab) -> None:
    started = tls_lab.world.run("systemctl list-dependencies --all --plain default.target").stdout.split()
    assert "postfix.service" in started
    asked_for = (
        "pebble.service",
        "postfix-dane.service",
        "postfix-sts.service",
        "postfix-mta-sts-resolver.service",
        "mta-sts-resolver.service",
        "tlsrpt-collectd.service",
        "tlsrpt-reportd.service",
        "unbound@validating.service",
        "unbound@uncached.service",
    )
    assert not set(asked_for) & set(started)


def test_what_a_test_has_asked_for_stops_with_it(tls_lab: Lab) -> None:
    world = tls_lab.world
    with pebble.running(world), dane_sender.running(world), sts_sender.running(world) as sender:
        sender.mail_reports()
    units = ("pebble", "postfix-dane", "postfix-sts", "mta-sts-resolver", "tlsrpt-collectd", "tlsrpt-reportd")
    for unit in units:
        assert world.run(f"systemctl is-active {unit}.service", check=False).stdout == "inactive\n", unit
