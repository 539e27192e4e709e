"""The timer that removes old mail: what the host tells, and what the step decides from it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from provision.desired.files import sha256
from provision.host.answer import parse_sections
from provision.host.timer import TimedService, parse_timed_service
from provision.old_mail import commands
from tests.provision.host.test_observed import FINE
from tests.provision.hosts import DEPLOYED

FILES = Path(__file__).resolve().parents[2] / "files"
SERVICE, TIMER = (sha256((FILES / f"letterbox-keep.{kind}").read_text()) for kind in ("service", "timer"))
THERE = TimedService(SERVICE, TIMER, runs=True)


def words(there: TimedService | None, *, wanted: bool = True) -> list[str]:
    """What the step would do, a text for each command."""
    return [each.get_raw_value() for each in commands(replace(DEPLOYED, keep=there), wanted=wanted)]


def test_a_host_that_is_as_it_should_be_is_left_alone() -> None:
    assert words(THERE) == []
    assert words(None, wanted=False) == []


@pytest.mark.parametrize(
    ("there", "done"),
    [
        (
            None,
            ["keep.service.new", "keep.timer.new", "daemon-reload", "enable -q --now letterbox-keep.timer"],
        ),
        (replace(THERE, runs=False), ["enable -q --now letterbox-keep.timer"]),
        (replace(THERE, needs_reload=True), ["daemon-reload"]),
        (replace(THERE, timer="old"), ["keep.timer.new", "daemon-reload", "restart letterbox-keep.timer"]),
    ],
    ids=["nothing is there", "it does not run", "systemd has not read it", "it is another timer"],
)
def test_what_differs_is_put_right_and_nothing_else(there: TimedService | None, done: list[str]) -> None:
    found = words(there)
    assert len(found) == len(done), found
    assert all(part in command for part, command in zip(done, found, strict=True)), found


def test_the_service_is_the_last_file_that_goes() -> None:
    (gone,) = words(THERE, wanted=False)
    assert gone.index("disable -q --now letterbox-keep.timer") < gone.index("system/letterbox-keep.timer")
    assert gone.index("system/letterbox-keep.timer") < gone.index("system/letterbox-keep.service")


def test_what_the_host_has_of_it_is_read() -> None:
    said = ["service 11", "timer 22", "enabled enabled", "active active", "reload no yes"]
    assert parse_timed_service(said) == TimedService("11", "22", runs=True, needs_reload=True)
    assert parse_timed_service([*said[:2], "enabled enabled", "active inactive"]) == TimedService("11", "22")
    assert parse_timed_service([]) is None
    assert parse_sections(FINE).keep is None
