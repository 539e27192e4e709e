"""Everything that can go wrong on the way to Cloudflare: one line, exit 1, and what was done is known."""

import socket
from pathlib import Path

import pytest

from dns import sync
from dns.cloudflare_zone import Zones
from dns.inventory import load
from tests.dns.conftest import DOMAIN, HOST, Run, inventory_text, values
from tests.dns.test_sync import WANTED
from tests.lab.cloudflare import Fault, StandIn


def only_line(ran: tuple[int, str, str]) -> str:
    """The one line of a run that failed."""
    code, _, err = ran
    assert code == 1
    (line,) = err.splitlines()
    return line


def test_a_missing_token_is_said(cloudflare: StandIn, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CLOUDFLARE_API_TOKEN")
    assert "CLOUDFLARE_API_TOKEN is not set" in only_line(run())
    assert cloudflare.requests == []


@pytest.mark.parametrize(
    ("token", "said"),
    [
        ("short", "is not in the form of a token"),
        ("two words of it", "holds characters that no token has"),
        ("unknown-token-0123456789", "the token is not valid"),
    ],
)
def test_a_wrong_token_is_said(
    cloudflare: StandIn, run: Run, monkeypatch: pytest.MonkeyPatch, token: str, said: str
) -> None:
    monkeypatch.setenv("CLOUDFLARE_API_TOKEN", token)
    line = only_line(run())
    assert said in line
    assert token not in line


def test_a_token_that_may_not_edit_is_said_with_the_permissions(
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
    assert "example.test: no zone of this name" in only_line(run())


def test_a_domain_that_is_not_in_the_inventory_is_said(cloudflare: StandIn, run: Run) -> None:
    assert "did you mean example.test?" in only_line(run(domain="exmaple.test"))
    assert cloudflare.requests == []


def test_a_wrong_inventory_is_said_before_anything_is_asked(
    cloudflare: StandIn, run: Run, inventory: Path
) -> None:
    wrong = {**HOST, "allow_private_address": False, "public_ipv6": "2606:4700::1"}
    inventory.write_text(
        inventory_text({"mx1.example.test": {**wrong, "public_ipv4": "10.0.0.1"}}, {"example.test": DOMAIN})
    )
    assert "10.0.0.1 is a private address" in only_line(run())
    assert cloudflare.requests == []


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [
        (400, 9106, "no credentials arrived"),
        (400, 6003, "not in the form of a token"),
        (400, 6103, "not in the form of a token"),
        (403, 9109, "the token is not valid"),
        (403, 10000, "lacks a permission"),
        (401, 10000, "lacks a permission"),
        (400, 81053, "stands in the way"),
        (400, 81054, "stands in the way"),
        (400, 890190, "Email Routing is on"),
        (400, 9100, "priority"),
        (400, 9009, "must be a name"),
        (400, 9300, "tags"),
        (400, 99999, "99999 Internal error"),
        (418, 0, "is not Cloudflare's API"),
    ],
)
@pytest.mark.parametrize("on", ["/zones", "/batch"])
def test_every_code_is_one_line(
    cloudflare: StandIn, run: Run, on: str, status: int, code: int, said: str
) -> None:
    faults = 3 if on == "/zones" else 1
    for _ in range(faults if code == 0 else 1):
        cloudflare.fail_next(
            Fault("refuse", on=on, status=status, code=code) if code else Fault("html", on, status)
        )
    assert said in only_line(run())
    assert values(cloudflare) == set()


def test_html_in_place_of_json_is_said(cloudflare: StandIn, run: Run) -> None:
    for _ in range(3):
        cloudflare.fail_next(Fault("html", status=200))
    assert "is not Cloudflare's API" in only_line(run())


def test_half_an_answer_while_reading_is_said(cloudflare: StandIn, run: Run) -> None:
    for _ in range(3):
        cloudflare.fail_next(Fault("cut_during", on="/dns_records"))
    assert "cannot be reached" in only_line(run())
    assert values(cloudflare) == set()


def test_a_server_error_while_reading_is_tried_again(cloudflare: StandIn, run: Run) -> None:
    cloudflare.fail_next(Fault("html", on="/zones", status=502))
    cloudflare.fail_next(Fault("cut_before", on="/dns_records"))
    assert run()[0] == 0


def test_nobody_at_the_endpoint_is_said(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
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
        ("HTTP_PROXY", "nonsense://x", "HTTPS_PROXY"),
    ],
)
def test_a_network_that_is_set_up_wrong_is_said(
    cloudflare: StandIn, run: Run, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, said: str
) -> None:
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setenv(variable, value)
    assert said in only_line(run())


def test_tls_that_fails_is_said(cloudflare: StandIn, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOUDFLARE_BASE_URL", cloudflare.base_url.replace("http:", "https:"))
    assert "certificates" in only_line(run())


class TestInterruptedWrites:
    """The batch is sent once; when its outcome is unknown it is read, never sent again."""

    @pytest.mark.parametrize("kind", ["cut_after", "cut_during"])
    def test_a_change_whose_answer_was_lost_is_found_to_be_made(
        self, cloudflare: StandIn, run: Run, kind: str
    ) -> None:
        cloudflare.fail_next(Fault(kind, on="/batch"))  # type: ignore[arg-type]
        assert run()[0] == 0
        assert values(cloudflare) == WANTED
        assert [r.method for r in cloudflare.requests] == ["GET", "GET", "POST", "GET"]

    @pytest.mark.parametrize(
        "fault", [Fault("cut_before", on="/batch"), Fault("html", on="/batch", status=502)]
    )
    def test_a_change_that_was_not_made_is_said_and_not_repeated(
        self, cloudflare: StandIn, run: Run, fault: Fault
    ) -> None:
        cloudflare.fail_next(fault)
        assert "nothing was changed: run again" in only_line(run())
        assert [r.method for r in cloudflare.requests].count("POST") == 1
        assert run()[0] == 0

    def test_an_answer_that_does_not_come_is_settled_by_reading(
        self, cloudflare: StandIn, inventory: Path
    ) -> None:
        cloudflare.fail_next(Fault("stall", on="/batch"))
        zones = Zones(timeout=2)  # of every answer: the others have to come in time on a busy machine too
        with pytest.raises(sync.SyncError, match=r"did not answer in time.*nothing was changed"):
            sync.apply(sync.prepare(load(inventory), "example.test", {}, zones=zones), zones=zones)

    def test_a_success_that_does_not_confirm_what_was_planned_is_a_failure(
        self, cloudflare: StandIn, run: Run
    ) -> None:
        (old,) = cloudflare.seed("example.test", {"type": "A", "name": "mx1", "content": "198.18.0.9"})
        cloudflare.fail_next(Fault("hollow", on="/batch"))
        line = only_line(run("--replace-address", old["content"]))
        assert "example.test MX 10 mx1.example.test: Cloudflare did not confirm it" in line
        assert "did not confirm every deletion" in line

    def test_what_cannot_be_settled_is_said_to_be_unknown(self, cloudflare: StandIn, inventory: Path) -> None:
        prepared = sync.prepare(load(inventory), "example.test", {})
        cloudflare.fail_next(Fault("cut_after", on="/batch"))
        for _ in range(3):
            cloudflare.fail_next(Fault("cut_before", on="/dns_records"))
        with pytest.raises(sync.SyncError, match="was changed is unknown"):
            sync.apply(prepared)

    def test_a_zone_that_changed_in_between_is_left_alone(self, cloudflare: StandIn, inventory: Path) -> None:
        prepared = sync.prepare(load(inventory), "example.test", {})
        cloudflare.seed("example.test", {"type": "CNAME", "name": "mx1", "content": "else.test"})
        before = cloudflare.records("example.test")
        with pytest.raises(sync.SyncError, match="stands in the way"):
            sync.apply(prepared)
        assert cloudflare.records("example.test") == before

    def test_another_run_that_came_first_is_no_failure(self, cloudflare: StandIn, inventory: Path) -> None:
        slow = sync.prepare(load(inventory), "example.test", {})
        sync.apply(sync.prepare(load(inventory), "example.test", {}))
        sync.apply(slow)
        assert values(cloudflare) == WANTED


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
