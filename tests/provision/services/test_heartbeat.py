"""The heartbeat of a host: what the host tells, and what the step decides from it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pyinfra.api.command import FunctionCommand

from dns.inventory.host_heartbeat import WantedHeartbeat
from provision.desired import archive
from provision.desired.credential import encrypted
from provision.desired.files import sha256
from provision.desired.heartbeat import Wanted, box_of, telling_failures, unit_texts
from provision.desired.state import for_host
from provision.heartbeat import commands
from provision.host import layout
from provision.host.services.heartbeat import Heartbeat, parse_heartbeat
from tests.provision.hosts import DEPLOYED, INVENTORY

SECRET = "https://hc-ping.com/5ec2e7"
BOX = box_of("example.com")
WANTED = Wanted(unit_texts(BOX), "0123456789abcdef", BOX, SECRET)
THERE = Heartbeat(
    has_user=True,
    units={name: sha256(text) for name, text in WANTED.units.items()},
    program=WANTED.program,
    address=sha256(SECRET),
    runs=True,
    boxes=frozenset({BOX}),
)


@pytest.fixture(autouse=True)
def no_build(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "archive", lambda platform, program: b"")


def words(there: Heartbeat | None, wanted: Wanted | None = WANTED) -> list[str]:
    """What the step would do, a text for each command."""
    return [
        "start" if isinstance(each, FunctionCommand) else each.get_raw_value()
        for each in commands(replace(DEPLOYED, heartbeat=there), wanted)
    ]


def test_a_host_that_is_as_it_should_be_is_left_alone() -> None:
    assert words(THERE) == []
    assert words(None, None) == []
    assert words(THERE, replace(WANTED, secret=None)) == [], "it keeps its own address"


@pytest.mark.parametrize(
    ("changed", "done"),
    [
        ({"needs_reload": True}, ["systemctl daemon-reload"]),
        ({"has_user": False}, ["useradd --system"]),
        ({"address": ""}, ["systemd-creds encrypt", "start"]),
        ({"runs": False}, ["systemctl enable -q letterbox-heartbeat.timer letterbox-heartbeat-look.socket"]),
        ({"boxes": frozenset({box_of("example.net")})}, [f"mkdir -p {BOX}/cur {BOX}/new {BOX}/tmp"]),
        (
            {"units": {**THERE.units, layout.HEARTBEAT_LOOK: "old"}},
            ["letterbox-heartbeat-look@.service.new", "systemctl daemon-reload", "start"],
        ),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_differs_is_put_right_and_nothing_else(changed: dict[str, object], done: list[str]) -> None:
    found = words(replace(THERE, **changed))  # type: ignore[arg-type]
    assert len(found) == len(done)
    assert all(part in command for part, command in zip(done, found, strict=True)), found


def test_the_service_is_the_first_file_that_comes_and_the_last_one_that_goes() -> None:
    came = words(None)
    assert "letterbox-heartbeat.service.new" in came[0]
    assert came[-1] == "start"
    (gone,) = words(THERE, None)
    assert gone.index(layout.HEARTBEAT_PROGRAM) < gone.index("rm -f /etc/systemd/system/letterbox-heartbeat.")


def test_the_address_is_in_no_command() -> None:
    command = encrypted(layout.HEARTBEAT_ADDRESS, "heartbeat", SECRET)
    for hidden in (SECRET, sha256(SECRET)):
        assert hidden not in command.get_raw_value() + str(command)
    assert command.connector_arguments["_stdin"] == SECRET
    assert SECRET not in "".join(words(None)) + repr(WANTED) + repr(WantedHeartbeat(SECRET))


def test_what_the_host_has_of_it_is_read() -> None:
    lines = [
        "user 990",
        *(f"unit {name} {digest}" for name, digest in THERE.units.items()),
        f"program {WANTED.program}",
        "whole yes",
        "rights root:root:600",
        f"address {sha256(SECRET)}",
        "enabled enabled enabled",
        "active active active",
        "reload no no no",
        f"box {BOX}",
    ]
    assert parse_heartbeat(lines) == THERE
    assert parse_heartbeat([]) is None
    for line, other, value in (
        ("whole yes", "", {"program": ""}),
        ("rights root:root:600", "rights root:root:644", {"address": ""}),
        ("active active active", "active active inactive", {"runs": False}),
        ("reload no no no", "reload no yes no", {"needs_reload": True}),
        (f"box {BOX}", "", {"boxes": frozenset()}),
    ):
        found = parse_heartbeat([other if each == line else each for each in lines if other or each != line])
        assert found == replace(THERE, **value)  # type: ignore[arg-type]


def test_a_failure_of_the_receiver_is_told_only_if_the_host_has_a_heartbeat() -> None:
    (name,) = (host.name for host in INVENTORY.hosts[:1])
    plain = for_host(INVENTORY, name, "0123456789abcdef").units
    hosts = tuple(replace(host, heartbeat=WantedHeartbeat()) for host in INVENTORY.hosts)
    told = for_host(replace(INVENTORY, hosts=hosts), name, "0123456789abcdef").units
    assert "OnFailure" not in "".join(plain.values())
    assert told[layout.SERVICE_UNIT] == telling_failures(plain[layout.SERVICE_UNIT])
    assert "[Unit]\nOnFailure=letterbox-heartbeat-failed@%N.service\n" in told[layout.SERVICE_UNIT]
    assert told[layout.SOCKET_UNIT] == plain[layout.SOCKET_UNIT]
