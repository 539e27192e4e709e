"""The steps that bring the bucket's units: what they decide, from the host and the inventory."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import replace

import pytest
from pyinfra.api.command import FunctionCommand

from dns.inventory.store.values import Store
from provision.bucket import trial
from provision.bucket.units import is_another, moving_commands, removal_commands, service_commands
from provision.desired.bucket import WantedBucket, bucket_toml, unit_texts
from provision.desired.files import sha256
from provision.host import layout
from provision.host.services.bucket import Bucket, parse_bucket
from provision.run.step import Command
from tests.provision.hosts import DEPLOYED

STORE = Store(("https://s3.example.net/mail",), "bucket", pull=("mx1.example.com",))
PAIR = "KEYID0123456789\nhush+secret/0123456789"
WANTED = WantedBucket(unit_texts(pulls=True, heartbeat=False), bucket_toml(STORE), "0123456789abcdef", PAIR)
FINE = Bucket(
    units={name: sha256(text) for name, text in WANTED.units.items()},
    program=WANTED.program,
    config=WANTED.config,
    key=sha256(PAIR),
    active=frozenset(WANTED.units),
    enabled=frozenset({*WANTED.units} - {layout.BUCKET_SERVICE}),
    has_state=True,
)
CHECKED = "answers"  # the check through the service, after it was started


def words(commands: Iterator[Command]) -> list[str]:
    """What would be done, a text for each command."""
    return [
        each.function.__name__ if isinstance(each, FunctionCommand) else each.get_raw_value()
        for each in commands
    ]


def served(now: Bucket, wanted: WantedBucket = WANTED) -> list[str]:
    return words(service_commands(replace(DEPLOYED, bucket=now), wanted))


def moved(now: Bucket, wanted: WantedBucket = WANTED) -> list[str]:
    return words(moving_commands(replace(DEPLOYED, bucket=now), wanted))


def test_a_host_that_is_as_it_should_be_is_left_alone_and_tried_by_its_service() -> None:
    assert served(FINE) == moved(FINE) == []
    assert words(removal_commands(Bucket(), pulls=True)) == []
    seen = replace(DEPLOYED, bucket=FINE)
    assert trial.is_in_place(seen, WANTED)
    assert trial.is_in_place(seen, replace(WANTED, key=None)), "without a pair the host keeps its own"


@pytest.mark.parametrize(
    ("changed", "done"),
    [
        ({"old": frozenset({layout.BUCKET_SERVICE})}, ["systemctl restart", CHECKED]),
        ({"active": FINE.active - {layout.BUCKET_SERVICE}}, ["systemctl restart", CHECKED]),
        ({"enabled": frozenset()}, ["systemctl enable -q --now letterbox-bucket.socket", CHECKED]),
        ({"needs_reload": True}, ["systemctl daemon-reload"]),
        ({"key": ""}, ["systemd-creds encrypt --with-key=host --name=bucket", "restart", CHECKED]),
        ({"key": sha256("other")}, ["systemd-creds encrypt", "systemctl restart", CHECKED]),
        ({"config": ""}, ["/etc/letterbox/bucket.toml.new", "systemctl restart", CHECKED]),
        (
            {"config": WANTED.config.replace("s3.example.net", "s3.example.org")},
            ["rm -f /var/lib/letterbox/mail/.bucket/pushed", "bucket.toml.new", "restart", CHECKED],
        ),
        (
            {"units": {**FINE.units, layout.BUCKET_SERVICE: "old"}},
            ["letterbox-bucket.service.new", "systemctl daemon-reload", "systemctl restart", CHECKED],
        ),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)  # fmt: skip
def test_what_differs_of_the_service_is_put_right_and_the_service_is_asked(
    changed: dict[str, object], done: list[str]
) -> None:
    now = replace(FINE, **changed)  # type: ignore[arg-type]
    found = served(now)
    assert len(found) == len(done), found
    assert all(part in command for part, command in zip(done, found, strict=True)), found
    runs_as_wanted = changed.keys() <= {"needs_reload", "units"}
    assert trial.is_in_place(replace(DEPLOYED, bucket=now), WANTED) == runs_as_wanted


def test_on_a_host_that_has_nothing_the_service_comes_first_and_the_key_is_in_no_command() -> None:
    now = replace(Bucket(), program=WANTED.program)  # a program is built by no test of decisions
    found = served(now)
    assert "letterbox-bucket.service.new" in found[0]
    assert "hush" not in "".join(found)
    assert found[-1] == CHECKED


@pytest.mark.parametrize(
    ("changed", "done"),
    [
        ({"old": frozenset({layout.PULL_SERVICE})}, ["systemctl restart letterbox-pull.service"]),
        ({"active": FINE.active - {layout.PUSH_SERVICE}}, ["systemctl restart letterbox-push.service"]),
        (
            {"units": {**FINE.units, layout.PUSH_SERVICE: "old"}},
            ["letterbox-push.service.new", "daemon-reload", "systemctl restart letterbox-push.service"],
        ),
    ],
)
def test_what_moves_mail_is_started_anew_if_it_is_older_than_its_program(
    changed: dict[str, object], done: list[str]
) -> None:
    found = moved(replace(FINE, **changed))  # type: ignore[arg-type]
    assert len(found) == len(done), found
    assert all(part in command for part, command in zip(done, found, strict=True)), found


def test_a_host_that_pulls_no_longer_loses_that_unit_alone() -> None:
    found = moved(FINE, replace(WANTED, units=unit_texts(pulls=False, heartbeat=False)))
    assert found == [
        "systemctl disable -q --now letterbox-pull.service && "
        "rm -f /etc/systemd/system/letterbox-pull.service",
        "systemctl daemon-reload",
    ]


def test_when_the_store_goes_mail_is_brought_and_sent_first_and_the_service_goes_last() -> None:
    waits, pulled, gone = words(removal_commands(replace(FINE, pending=3), pulls=True))
    assert ".bucket/pending" in waits and pulled == "last_pull"
    assert gone.index("letterbox-pull.service") < gone.index(
        "rm -f /etc/systemd/system/letterbox-bucket.service"
    )
    assert "/opt/letterbox/bucket" in gone and "/etc/letterbox/bucket-key" in gone
    assert "rm -rf /var/lib" not in gone, "mail stays, and so does what was pulled already"
    assert "systemctl disable -q --now $unit" in gone, "a host that does not pull lacks one unit"
    (only,) = words(removal_commands(FINE, pulls=False))
    assert only == gone


def test_another_gateway_of_a_bucket_is_not_another_bucket() -> None:
    one, both, other = (
        bucket_toml(replace(STORE, urls=urls))
        for urls in (
            ("https://a.example.net/mail",),
            ("https://b.example.net/mail", "https://a.example.net/mail"),
            ("https://a.example.net/mail2",),
        )
    )
    assert not is_another(one, both)
    assert is_another(one, other)


SHOWN = """\
Id={name}
ActiveState=active
UnitFileState={enabled}
NeedDaemonReload=no
ExecMainStartTimestamp=Thu 2026-11-26 20:00:00.000000 UTC
"""


def test_what_the_probe_prints_is_read_into_the_same_value() -> None:
    shown = "\n".join(
        SHOWN.format(name=name, enabled="static" if name == layout.BUCKET_SERVICE else "enabled")
        for name in WANTED.units
    )
    said = [
        *(f"unit {name} {digest}" for name, digest in FINE.units.items()),
        f"program {WANTED.program}",
        "whole yes",
        f"config {base64.b64encode(WANTED.config.encode()).decode()}",
        f"key {FINE.key}",
        *(f"show {line}" for line in shown.splitlines()),
        "changed letterbox-push.service 1764187200.5 1795723201.0",
        "changed letterbox-bucket.service 1764187200.5",
        "state yes",
        "pending 12",
    ]
    wanted = replace(FINE, pending=12, old=frozenset({layout.PUSH_SERVICE}))
    assert parse_bucket(said) == wanted
    assert parse_bucket([*said, "pushed yes"]) == replace(wanted, pushed=True)
    assert parse_bucket([]) == Bucket()
    assert parse_bucket([line for line in said if line != "whole yes"]).program == ""
