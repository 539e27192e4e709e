"""What another host sees of port 25, and why a program on a host gave no answer."""

from __future__ import annotations

import pytest

from dns.world.greeting import Greeting
from first_mail import ssh, vantage
from tests.provision.hosts import INVENTORY


@pytest.mark.parametrize(
    ("greetings", "versions"),
    [
        ({"192.0.2.1": Greeting(code=220), "2001:db8::1": Greeting(failure="timeout")}, {4}),
        ({"192.0.2.1": Greeting(failure="refused"), "2001:db8::1": Greeting(failure="no route")}, {4}),
        ({"192.0.2.1": Greeting(failure="unreachable"), "2001:db8::1": Greeting(failure="silent")}, {6}),
        ({"192.0.2.1": Greeting(failure="timeout")}, set()),
    ],
)
def test_an_ip_version_leaves_the_vantage_point_only_if_an_answer_came_back(
    greetings: dict[str, Greeting], versions: set[int]
) -> None:
    """Otherwise a host without IPv6 would blame the provider of the host that it looks at."""
    assert vantage.outbound_25(greetings) == versions


@pytest.mark.parametrize(
    ("code", "stderr", "reason"),
    [
        (
            255,
            "ssh: connect to host mx1: Connection refused\n",
            "cannot be reached over ssh (ssh: connect",
        ),
        (255, "", "cannot be reached over ssh (ssh gave no reason)"),
        (127, "sh: 1: exec: python3: not found\n", "python3 failed: sh: 1: exec: python3: not found"),
        (1, "Traceback\nPermissionError: no raw socket\n", "python3 failed: PermissionError: no raw socket"),
        (1, "", "python3 failed: exit code 1, without a reason"),
    ],
)
def test_a_program_that_fails_is_not_taken_for_a_host_that_cannot_be_reached(
    code: int, stderr: str, reason: str
) -> None:
    error = ssh.no_answer(INVENTORY.hosts[0], "python3", code, stderr)
    assert str(error).startswith(f"host mx1.example.com: {reason}")
    assert "\n" not in str(error)
