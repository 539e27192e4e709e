"""Everything that can go wrong on the way to Cloudflare ends with one line and exit code 1."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from dns import sync
from dns.cloudflare.zones import Zones
from dns.inventory import load
from tests.dns.example import DOMAIN, HOST, WANTED, Run, inventory_text, only_line, values
from tests.lab.cloudflare import Fault, StandIn


def test_a_missing_token_is_reported(cloudflare: StandIn, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CLOUDFLARE_API_TOKEN")
    assert "CLOUDFLARE_API_TOKEN is not set" in only_line(run())
    assert cloudflare.requests == []


@pytest.mark.parametrize(
    ("token", "said"),
    [
        ("short", "does not have the form of a token"),
        ("two words of it", "has characters that no token has"),
        ("unknown-token-0123456789", "the token is not valid"),
    ],
)
def test_a_wrong_token_is_reported(
    cloudflare: StandIn, run: Run, monkeypatch: pytest.MonkeyPatch, token: str, said: str
) -> None:
    monkeypatch.setenv("CLOUDFLARE_API_TOKEN", token)
    line = only_line(run())
    assert said in line
    assert token not in line


def test_a_token_that_may_not_edit_is_reported_with_the_permissions(
    cloudflare: StandIn, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloudflare.add_token("reader-token-0123456789", edit=False)
    monkeypatch.setenv("CLOUDFLARE_API_TOKEN", "reader-token-0123456789")
    assert "Zone > DNS > Edit" in only_line(run())
    assert values(cloudflare) == set()


def test_a_token_of_another_zone_does_not_find_this_one(
    cloudflare: StandIn, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloudflare.add_token("other-token-0123456789", zones=["other.test"])
    monkeypatch.setenv("CLOUDFLARE_API_TOKEN", "other-token-0123456789")
    assert "example.test: the token sees no zone of this name" in only_line(run())


def test_a_domain_that_is_not_in_the_inventory_is_reported(cloudflare: StandIn, run: Run) -> None:
    assert "did you mean example.test?" in only_line(run(domain="exmaple.test"))
    assert cloudflare.requests == []


def test_a_wrong_inventory_is_reported_before_anything_is_asked(
    cloudflare: StandIn, run: Run, inventory: Path
) -> None:
    wrong = {**HOST, "allow_private_address": False, "public_ipv6": "2606:4700::1"}
    inventory.write_text(
        inventory_text({"mx1.example.test": {**wrong, "public_ipv4": "10.0.0.1"}}, {"example.test": DOMAIN})
    )
    assert "10.0.0.1 is a private address" in only_line(run())
    assert cloudflare.requests == []


def test_html_in_place_of_json_is_reported(cloudflare: StandIn, run: Run) -> None:
    for _ in range(3):
        cloudflare.fail_next(Fault("html", status=200))
    assert "is not Cloudflare's API" in only_line(run())


def test_half_an_answer_while_reading_is_reported(cloudflare: StandIn, run: Run) -> None:
    for _ in range(3):
        cloudflare.fail_next(Fault("cut_during", on="/dns_records"))
    assert "cannot be reached" in only_line(run())
    assert values(cloudflare) == set()


def test_a_server_error_while_reading_is_tried_again(cloudflare: StandIn, run: Run) -> None:
    cloudflare.fail_next(Fault("html", on="/zones", status=502))
    cloudflare.fail_next(Fault("cut_before", on="/dns_records"))
    assert run()[0] == 0


def test_nobody_at_the_endpoint_is_reported(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        monkeypatch.setenv("CLOUDFLARE_BASE_URL", f"http://127.0.0.1:{closed.getsockname()[1]}/client/v4")
        monkeypatch.setenv("CLOUDFLARE_API_TOKEN", "lab-token-0123456789")
        assert "cannot be reached" in only_line(run())


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("CLOUDFLARE_BASE_URL", "http://no-such-name.invalid/client/v4", "cannot be looked up"),
        ("CLOUDFLARE_BASE_URL", "api.cloudflare.com", "is not an http(s) address"),
        ("HTTP_PROXY", "http://127.0.0.1:1", "cannot be reached"),
        ("HTTP_PROXY", "nonsense://x", "HTTP_PROXY 'nonsense://x' is not the address of a proxy"),
    ],
)
def test_a_network_that_is_set_up_wrong_is_reported(
    cloudflare: StandIn, run: Run, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, said: str
) -> None:
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setenv(variable, value)
    assert said in only_line(run())


def test_tls_that_fails_is_reported(cloudflare: StandIn, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOUDFLARE_BASE_URL", cloudflare.base_url.replace("http:", "https:"))
    assert "certificates" in only_line(run())


def test_a_rate_limit_is_waited_out_as_told(cloudflare: StandIn, inventory: Path) -> None:
    waited: list[float] = []
    told: list[str] = []
    for on in ("/zones", "/batch"):
        cloudflare.fail_next(Fault("refuse", on, 429, 971, headers={"retry-after": "7"}))
    zones = Zones(pause=waited.append, tell=told.append)
    sync.apply(sync.prepare(load(inventory), "example.test", {}, zones=zones), zones=zones)
    assert waited == [7.0, 7.0]
    assert "wait 7 s" in told[0]
    assert values(cloudflare) == WANTED


def test_a_rate_limit_that_does_not_end_is_given_up(cloudflare: StandIn, inventory: Path) -> None:
    cloudflare.api.limit = 1
    with pytest.raises(sync.SyncError, match="too many requests"):
        sync.prepare(load(inventory), "example.test", {}, zones=Zones(pause=lambda seconds: None))
