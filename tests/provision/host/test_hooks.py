"""What the probe tells of hooks, read into a value."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from provision.host.services import hooks as host_hooks
from provision.host.services.hooks import Hook, Hooks, Queue, parse_hooks

QUEUE = " ".join(f"letterbox:letterbox-hooks:{mode}" for mode in (750, 770, 770, 770))
PROBED = f"""folder - yes
group - letterbox-hooks:x:987:
program - 0123456789abcdef
whole - yes
unit orders {"1" * 64} -
config orders {"2" * 64} -
rights orders root:letterbox-hooks:640
secret orders {"3" * 64}
enabled orders enabled
active orders active
reload orders no
since orders Thu 2026-11-26 12:00:00.500000 UTC
changed orders 1795694400.400000 1795694400.300000
queue orders {QUEUE}
pending orders 3
dead orders 1"""


def test_the_answer_of_a_host_is_read() -> None:
    assert parse_hooks([]) == Hooks()
    found = parse_hooks(PROBED.splitlines())
    assert found == Hooks(
        True, True, "0123456789abcdef",
        {"orders": Hook("1" * 64, "2" * 64, "3" * 64, "", True, False, False)},
        {"orders": Queue(3, 1, is_right=True)},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("line", "other", "name", "value"),
    [
        ("rights orders root:letterbox-hooks:640", "rights orders root:root:644", "config", ""),
        ("enabled orders enabled", "enabled orders disabled", "runs", False),
        ("active orders active", "active orders activating", "runs", False),
        ("reload orders no", "reload orders yes", "needs_reload", True),
        ("1795694400.300000", "1795694400.600000", "is_old", True),
    ],
)
def test_what_is_not_as_it_should_be_is_seen(line: str, other: str, name: str, value: object) -> None:
    assert line in PROBED
    found = parse_hooks(PROBED.replace(line, other).splitlines())
    assert getattr(found.units["orders"], name) == value


def test_names_that_are_none_of_a_hook_are_left_out() -> None:
    assert parse_hooks(["queue ../x a b c", "queue A a b c", "unit $(id) 1"]) == Hooks()


def test_a_host_without_hooks_needs_no_program_to_tell(tmp_path: Path) -> None:
    done = subprocess.run(
        ["/bin/sh", "-c", host_hooks.PROBE],
        env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.stdout, "not found" in done.stderr) == ("", False), done.stderr
