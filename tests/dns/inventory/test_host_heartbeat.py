"""The dead-man's switch of a host in the inventory. Its address is a secret."""

from __future__ import annotations

import pytest

from dns.inventory.host_heartbeat import WantedHeartbeat, from_data, variable

URL = "https://hc-ping.com/3b5c2f5e-secret"


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (None, None),
        (False, None),
        (True, WantedHeartbeat()),
        (URL, WantedHeartbeat(URL)),
        ({"url": URL, "failure_url": f"{URL}/x"}, WantedHeartbeat(URL, f"{URL}/x")),
    ],
)
def test_what_is_wanted_is_read(value: object, wanted: WantedHeartbeat | None) -> None:
    problems: list[str] = []
    assert (from_data({"heartbeat": value}, problems), problems) == (wanted, [])


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("http://hc-ping.com/secret", "url does not begin with https://"),
        ("hc-ping.com/secret", "url does not begin with https://"),
        ("https:///secret", "url does not begin with https:// and the name of a host"),
        ("https://[secret/", "url has a port or a host that cannot be"),
        ("https://host:secret/", "url has a port or a host that cannot be"),
        ("https://user:secret@example.com/", "url has a user or a password"),
        ("https://example.com/secret one", "url holds a space"),
        ("https://example.com/secret\n", "url holds a space, or what is no part of an address"),
        ("https://exämple.com/secret", "url holds a space, or what is no part of an address"),
        (f"https://example.com/secret{'x' * 2000}", "or is too long"),
        ("", "url is no address"),
        (5, "url is no address"),
        ({"failure_url": "https://example.com/secret"}, "url is no address"),
        ({"url": URL, "failure_url": "ftp://secret"}, "failure_url does not begin with https://"),
        ({"url": URL, "evrey": 5}, "unknown key evrey"),
    ],
)
def test_what_is_wrong_is_said_without_the_secret(value: object, problem: str) -> None:
    problems: list[str] = []
    found = from_data({"heartbeat": value}, problems)
    assert any(problem in each for each in problems), problems
    assert "secret" not in " ".join(problems) + repr(found)


def test_each_host_has_a_variable_of_its_own() -> None:
    assert variable("mx-1.example.com") == "LETTERBOX_HEARTBEAT_MX_1_EXAMPLE_COM"
