"""Which zones mail arrives in, and what must be opened there: tables of state in, commands out."""

import json

import pytest

from provision.firewalld import UnknownZone, commands_to_open, zones_for_mail
from provision.host.firewalld_state import Firewalld, Zone, parse

SMTP = frozenset({("25", "tcp")})
OPEN, CLOSED = Zone(frozenset({"ssh", "smtp"})), Zone(frozenset({"ssh"}))


def firewall(
    runtime: Zone = CLOSED, permanent: Zone = CLOSED, smtp: frozenset[tuple[str, str]] = SMTP
) -> Firewalld:
    return Firewalld(
        installed=True,
        running=True,
        enabled=True,
        known_zones=frozenset({"FedoraServer", "dmz", "public"}),
        default_zone="FedoraServer",
        zone_of_interface={"eth0": "public", "eth1": "dmz"},
        smtp_ports=smtp,
        runtime={"public": runtime},
        permanent={"public": permanent},
    )


def zones(*arguments) -> list[str]:
    return [opening.zone for opening in zones_for_mail(*arguments)]


def test_the_zones_are_those_of_the_default_routes_interfaces():
    assert zones(firewall(), (), ("eth0", "eth1")) == ["public", "dmz"]


def test_an_interface_in_no_zone_is_in_the_default_zone():
    assert zones(firewall(), (), ("wlan0",)) == ["FedoraServer"]


def test_two_routes_through_one_zone_open_it_once():
    assert zones(firewall(), (), ("eth0", "eth0")) == ["public"]


def test_a_host_without_a_default_route_opens_the_default_zone():
    assert zones(firewall(), (), ()) == ["FedoraServer"]


def test_zones_named_in_the_inventory_win():
    assert zones(firewall(), ("dmz", "public"), ("eth0",)) == ["dmz", "public"]


def test_a_zone_that_the_host_lacks_is_refused_by_name_with_those_it_has():
    with pytest.raises(UnknownZone, match=r"no zone dmzz.*FedoraServer, dmz, public"):
        zones(firewall(), ("dmzz", "public"), ())


NOW, EVER = (
    "firewall-cmd -q --zone=public --add-service=smtp",
    "firewall-cmd -q --permanent --zone=public --add-service=smtp",
)


@pytest.mark.parametrize(
    ("runtime", "permanent", "commands"),
    [
        (OPEN, OPEN, []),
        (CLOSED, OPEN, [NOW]),
        (OPEN, CLOSED, [EVER]),
        (CLOSED, CLOSED, [EVER, NOW]),
        (Zone(ports=SMTP), OPEN, []),
        (Zone(ports=frozenset({("25", "udp"), ("2525", "tcp")})), OPEN, [NOW]),
    ],
)
def test_only_what_is_closed_is_opened(runtime, permanent, commands):
    state = firewall(runtime, permanent)
    assert list(commands_to_open(state, zones_for_mail(state, ("public",), ()))) == commands


def test_a_service_smtp_that_means_something_else_is_not_trusted():
    state = firewall(OPEN, OPEN, smtp=frozenset({("2525", "tcp")}))
    assert list(commands_to_open(state, zones_for_mail(state, ("public",), ()))) == [
        "firewall-cmd -q --permanent --zone=public --add-port=25/tcp",
        "firewall-cmd -q --zone=public --add-port=25/tcp",
    ]


def answer(name: str, kind: str, value: object) -> str:
    return f"{name}\t{json.dumps({'type': kind, 'data': [value]})}"


def variants(**values: object) -> dict[str, object]:
    return {key: {"type": "x", "data": value} for key, value in values.items()}


def test_the_probes_answer_is_read():
    state = parse(
        [
            "installed\t/usr/bin/firewall-cmd",
            "active\tactive",
            "enabled\tenabled",
            "default\tFedoraServer",
            answer("known", "as", ["FedoraServer", "dmz"]),
            answer("active zones", "a{sa{sas}}", {"dmz": {"interfaces": ["eth1"]}}),
            answer("smtp", "a{sv}", variants(ports=[["25", "tcp"]])),
            answer("runtime dmz", "a{sv}", variants(services=["ssh", "smtp"], ports=[["8080", "tcp"]])),
            answer("permanent dmz", "a{sv}", variants(services=["ssh"])),
        ]
    )
    assert state == Firewalld(
        installed=True,
        running=True,
        enabled=True,
        known_zones=frozenset({"FedoraServer", "dmz"}),
        default_zone="FedoraServer",
        zone_of_interface={"eth1": "dmz"},
        smtp_ports=SMTP,
        runtime={"dmz": Zone(frozenset({"ssh", "smtp"}), frozenset({("8080", "tcp")}))},
        permanent={"dmz": Zone(frozenset({"ssh"}))},
    )


def test_a_host_without_firewalld_is_read_as_such():
    assert parse(["installed\t", "active\tinactive", "enabled\tnot-found"]) == Firewalld()
