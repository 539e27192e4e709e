"""The state of firewalld, read from what D-Bus answers."""

from __future__ import annotations

import json

from provision.host.firewalld_state import Firewalld, Zone, parse_firewalld

SMTP = frozenset({("25", "tcp")})


def answer(name: str, kind: str, value: object) -> str:
    return f"{name}\t{json.dumps({'type': kind, 'data': [value]})}"


def variants(**values: object) -> dict[str, object]:
    return {key: {"type": "x", "data": value} for key, value in values.items()}


def test_the_probes_answer_is_read() -> None:
    state = parse_firewalld(
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


def test_a_host_without_firewalld_is_read_as_such() -> None:
    assert parse_firewalld(["installed\t", "active\tinactive", "enabled\tnot-found"]) == Firewalld()
