"""Which firewalld zones mail arrives in, and the commands that open and close them, from their state."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest
from pyinfra.api.command import StringCommand

from provision.firewalld import (
    Opening,
    UnknownZone,
    close_commands,
    left_open,
    open_commands,
    zones_for_mail,
)
from provision.host.firewalld_state import Firewalld, Zone

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


def test_the_zones_are_those_of_the_default_routes_interfaces() -> None:
    assert zones(firewall(), (), ("eth0", "eth1")) == ["public", "dmz"]


def test_an_interface_in_no_zone_is_in_the_default_zone() -> None:
    assert zones(firewall(), (), ("wlan0",)) == ["FedoraServer"]


def test_two_routes_through_one_zone_open_it_once() -> None:
    assert zones(firewall(), (), ("eth0", "eth0")) == ["public"]


def test_a_host_without_a_default_route_opens_the_default_zone() -> None:
    assert zones(firewall(), (), ()) == ["FedoraServer"]


def test_zones_named_in_the_inventory_win() -> None:
    assert zones(firewall(), ("dmz", "public"), ("eth0",)) == ["dmz", "public"]


def test_a_zone_that_the_host_lacks_is_refused_by_name_with_those_it_has() -> None:
    with pytest.raises(UnknownZone, match=r"no zone dmzz.*FedoraServer, dmz, public"):
        zones(firewall(), ("dmzz", "public"), ())


NOW, EVER = (
    "firewall-cmd -q --zone=public --add-service=smtp",
    "firewall-cmd -q --permanent --zone=public --add-service=smtp",
)


def texts(commands: Iterable[StringCommand]) -> list[str]:
    return [str(command) for command in commands]


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
def test_only_what_is_closed_is_opened(runtime, permanent, commands) -> None:
    state = firewall(runtime, permanent)
    assert texts(open_commands(state, zones_for_mail(state, ("public",), ()))) == commands


def test_a_service_smtp_that_means_something_else_is_not_trusted() -> None:
    state = firewall(OPEN, OPEN, smtp=frozenset({("2525", "tcp")}))
    assert texts(open_commands(state, zones_for_mail(state, ("public",), ()))) == [
        "firewall-cmd -q --permanent --zone=public --add-port=25/tcp",
        "firewall-cmd -q --zone=public --add-port=25/tcp",
    ]


SHUT, SHUT_FOR_EVER = (
    "firewall-cmd -q --zone=public --remove-service=smtp",
    "firewall-cmd -q --permanent --zone=public --remove-service=smtp",
)


@pytest.mark.parametrize(
    ("runtime", "permanent", "commands"),
    [
        (CLOSED, CLOSED, []),
        (OPEN, CLOSED, [SHUT]),
        (CLOSED, OPEN, [SHUT_FOR_EVER]),
        (OPEN, OPEN, [SHUT_FOR_EVER, SHUT]),
        (Zone(ports=SMTP), CLOSED, ["firewall-cmd -q --zone=public --remove-port=25/tcp"]),
    ],
)
def test_only_what_is_open_is_closed(runtime: Zone, permanent: Zone, commands: list[str]) -> None:
    state = firewall(runtime, permanent)
    assert texts(close_commands(state, zones_for_mail(state, ("public",), ()))) == commands


def test_a_daemon_that_does_not_run_is_changed_for_its_next_start() -> None:
    for permanent, decided, command in (
        (CLOSED, open_commands, "--add-service=smtp"),
        (OPEN, close_commands, "--remove-service-from-zone=smtp"),
    ):
        state = replace(firewall(permanent=permanent), running=False, runtime={})
        assert texts(decided(state, zones_for_mail(state, ("public",), ()))) == [
            f"firewall-offline-cmd -q --zone=public {command}"
        ]


def test_what_stays_open_in_other_zones_is_said_with_what_closes_it() -> None:
    states = {"public": OPEN, "work": OPEN, "home": Zone(ports=SMTP), "dmz": CLOSED}
    other = replace(firewall(), permanent=states, runtime={**states, "home": CLOSED})
    home, work = left_open(other, [Opening("public", "")])
    assert "25/tcp stays open in firewalld's zone home" in home
    assert home.endswith("on the host: firewall-cmd -q --permanent --zone=home --remove-port=25/tcp")
    assert work.endswith(
        "on the host: firewall-cmd -q --permanent --zone=work --remove-service=smtp && "
        "firewall-cmd -q --zone=work --remove-service=smtp"
    )
    (stopped, _) = left_open(replace(other, running=False, runtime={}), [Opening("public", "")])
    assert stopped.endswith("on the host: firewall-offline-cmd -q --zone=home --remove-port=25/tcp")
