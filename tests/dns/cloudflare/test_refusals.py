"""Every refusal is one line: Cloudflare's own words, the cause, and the right fix."""

from __future__ import annotations

from pathlib import Path

import pytest

from dns.cloudflare.refusals import explain
from tests.dns.example import DOMAIN, HOST, Run, inventory_text, only_line, values
from tests.lab.cloudflare import Fault, StandIn


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [
        (400, 9106, "a token was sent, but no credentials arrived"),
        (400, 6003, "does not have the form of a token"),
        (400, 6103, "does not have the form of a token"),
        (403, 9109, "the token is not valid"),
        (403, 10000, "lacks a permission"),
        (401, 10000, "lacks a permission"),
        (400, 81053, "is in the way"),
        (400, 81054, "is in the way"),
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


@pytest.mark.parametrize(
    ("status", "code", "message", "fix"),
    [
        (403, 1038, "You cannot use this API for domains with a .tk TLD", "by hand in the dashboard"),
        (400, 9106, "Authentication failed (status: 400)", "the token is not valid"),
        (400, 9106, "Missing X-Auth-Key, X-Auth-Email or Authorization headers", "removes the Authorization"),
        (403, 9109, "Cannot use the access token from location: 192.0.2.1", "filter of client addresses"),
        (403, 9109, "Unauthorized to access requested resource", "lacks a permission"),
        (403, 9109, "Max auth failures reached, please check your Authorization header.", "wait an hour"),
        (403, 9109, "Invalid access token", "the token is not valid"),
        (400, 10000, "Authentication error", "lacks a permission"),
        (500, 10000, "Internal authentication error", "a fault of its own (HTTP 500"),
        (503, 10000, "Service unavailable", "a fault of its own (HTTP 503"),
        (400, 81045, "Record quota exceeded.", "as many records as its plan allows"),
        (400, 1043, "DNS record is read only", "another product of Cloudflare owns the record"),
        (403, 0, "Actor 'x' requires permission 'zone.dns_records.edit'", "lacks a permission"),
        (400, 1004, "DNS Validation Error", "1004 DNS Validation Error"),
        (404, 7003, "Could not route to /zones/x", "the zone does not exist any more"),
    ],
)
def test_cloudflares_own_words_are_kept_beside_the_fix(
    cloudflare: StandIn, run: Run, status: int, code: int, message: str, fix: str
) -> None:
    cloudflare.fail_next(Fault("refuse", "/batch", status, code, message))
    line = only_line(run())
    assert message.rstrip(".") in line
    assert fix in line
    assert values(cloudflare) == set()


@pytest.mark.parametrize("on", ["/zones", "/dns_records", "/batch"])
@pytest.mark.parametrize("status", [401, 403, 406, 503])
def test_the_page_of_a_firewall_is_reported_as_one(
    cloudflare: StandIn, run: Run, on: str, status: int
) -> None:
    page = "<html><head><title>Attention Required! | Cloudflare</title></head><body>blocked</body></html>"
    for _ in range(3 if on != "/batch" else 1):
        cloudflare.fail_next(Fault("html", on, status, page=page))
    line = only_line(run())
    assert (
        f"(HTTP {status}, a page titled 'Attention Required! | Cloudflare') is not Cloudflare's API" in line
    )
    assert "permission" not in line
    assert values(cloudflare) == set()


@pytest.mark.parametrize(
    "message",
    ["a\nb\r\nc", "\x1b[31mred\x1b[0m", "x" * 5000, "tab\there"],
    ids=["lines", "ANSI", "long", "tab"],
)
def test_a_message_is_one_printable_line(cloudflare: StandIn, run: Run, message: str) -> None:
    cloudflare.fail_next(Fault("refuse", "/batch", 400, 99999, message))
    line = only_line(run())
    assert line.isprintable()
    assert len(line) < 400


@pytest.mark.parametrize(
    "errors",
    [None, [], {}, [None], [{"message": "no code"}], [{"code": None}], [{"code": [1], "message": "x"}]],
)
def test_a_refusal_without_a_code_is_one_line(cloudflare: StandIn, run: Run, errors: object) -> None:
    for _ in range(3):
        cloudflare.fail_next(
            Fault("changed", "/zones", change=lambda body: {"success": False, "errors": errors, "result": []})
        )
    only_line(run())
    assert values(cloudflare) == set()


def test_a_refusal_in_the_older_form_is_understood(cloudflare: StandIn, run: Run) -> None:
    explanation = explain(403, {"error": "You cannot use this API for domains with a .tk TLD."})
    assert explanation.code == 1038
    assert "You cannot use this API for domains with a .tk TLD" in explanation.text
    assert not explanation.not_permitted


def test_a_domain_whose_records_the_api_does_not_change_is_reported(
    cloudflare: StandIn, run: Run, inventory: Path
) -> None:
    cloudflare.add_zone("example.tk")
    inventory.write_text(inventory_text({"mx1.example.tk": HOST}, {"example.tk": DOMAIN}))
    assert "1038 You cannot use this API" in only_line(run(domain="example.tk"))


def test_a_token_that_may_not_be_used_from_here_is_reported(
    cloudflare: StandIn, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloudflare.add_token("office-token-0123456789", here=False)
    monkeypatch.setenv("CLOUDFLARE_API_TOKEN", "office-token-0123456789")
    line = only_line(run())
    assert "Cannot use the access token from location: 127.0.0.1" in line
    assert "change the filter" in line
    assert len(cloudflare.requests) == 1


def test_a_zone_that_is_full_is_reported_and_nothing_is_changed(cloudflare: StandIn, run: Run) -> None:
    cloudflare.seed(
        "example.test", *({"type": "A", "name": f"n{n}", "content": "192.0.2.1"} for n in range(198))
    )
    assert "81045 Record quota exceeded" in only_line(run())
    assert len(cloudflare.records("example.test")) == 198
