"""The zone of a domain is its own or the nearest above it, and its records are served."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dns.cloudflare.api import READ_ATTEMPTS
from tests.dns.cloudflare.test_answers import refused
from tests.dns.example import DOMAIN, HOST, WANTED, Run, inventory_text, only_line, values
from tests.lab.cloudflare import Fault, StandIn


class TestFindingTheZone:
    """The domain's own zone, or the nearest above it that the token sees."""

    @pytest.fixture
    def one_zone(self, cloudflare: StandIn, monkeypatch: pytest.MonkeyPatch) -> StandIn:
        """A token for the zone example.test only."""
        cloudflare.add_token("one-zone-token-0123456789", zones=["example.test"])
        monkeypatch.setenv("CLOUDFLARE_API_TOKEN", "one-zone-token-0123456789")
        return cloudflare

    @pytest.mark.parametrize("hides_unknown", [False, True], ids=["403 code 0", "empty list"])
    def test_a_domain_below_the_zone_of_a_token_for_one_zone_is_found_by_its_parent(
        self, one_zone: StandIn, run: Run, inventory: Path, hides_unknown: bool
    ) -> None:
        one_zone.api.hides_unknown = hides_unknown
        name = "deep.below.example.test"
        inventory.write_text(inventory_text({"mx1.example.test": HOST}, {name: DOMAIN}))
        assert run(domain=name)[0] == 0
        assert ("MX", name, "mx1.example.test", 10) in values(one_zone)
        asked = [r.query["name"] for r in one_zone.requests if r.path == "/zones"]
        assert asked == [name, "below.example.test", "example.test"]

    @pytest.mark.parametrize(
        ("status", "code", "message"),
        [
            (403, 10000, "Authentication error"),
            (403, 9109, "Unauthorized to access requested resource"),
            (403, 0, "Actor 'com.cloudflare.api.token.x' requires permission 'zone.list' to list zones"),
        ],
    )
    def test_whatever_refuses_the_name_the_parent_is_asked(
        self, cloudflare: StandIn, run: Run, inventory: Path, status: int, code: int, message: str
    ) -> None:
        inventory.write_text(inventory_text({"mx1.example.test": HOST}, {"mail.example.test": DOMAIN}))
        cloudflare.fail_next(Fault("refuse", "/zones", status, code, message))
        assert run(domain="mail.example.test")[0] == 0

    def test_a_token_that_is_not_valid_is_not_tried_on_the_parents(
        self, cloudflare: StandIn, run: Run, inventory: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CLOUDFLARE_API_TOKEN", "unknown-token-0123456789")
        inventory.write_text(inventory_text({"mx1.example.test": HOST}, {"a.b.example.test": DOMAIN}))
        assert "the token is not valid" in only_line(run(domain="a.b.example.test"))
        assert len(cloudflare.requests) == 1

    def test_if_no_parent_is_a_zone_cloudflares_own_words_are_reported(
        self, cloudflare: StandIn, run: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        cloudflare.add_token("other-token-0123456789", zones=["other.test"])
        monkeypatch.setenv("CLOUDFLARE_API_TOKEN", "other-token-0123456789")
        line = only_line(run())
        assert "example.test: the token sees no zone of this name" in line
        assert "requires permission 'com.cloudflare.api.account.zone.list'" in line

    def test_another_zone_in_the_answer_is_not_taken_for_it(self, cloudflare: StandIn, run: Run) -> None:
        other = cloudflare.zones["other.test"].described()
        for _ in range(2):
            cloudflare.fail_next(
                Fault("changed", "/zones", change=lambda body: {**body, "result": [other, *body["result"]]})
            )
        assert run()[0] == 0
        assert values(cloudflare) == WANTED
        assert values(cloudflare, "other.test") == set()

    @pytest.mark.parametrize(
        ("kind", "reason"),
        [
            ("partial", "another provider's nameservers answer for it"),
            ("secondary", "zone transfer"),
            ("internal", "only the account's own resolvers answer for it"),
            ("unheard-of", "does not know who serves its records"),
        ],
    )
    def test_a_zone_whose_records_are_not_served_is_refused_before_the_write(
        self, cloudflare: StandIn, run: Run, kind: str, reason: str
    ) -> None:
        cloudflare.zones["example.test"].type = kind
        line = refused(cloudflare, run)
        assert f"zone example.test is of type '{kind}'" in line
        assert reason in line

    def test_a_zone_without_nameservers_is_refused_before_the_write(
        self, cloudflare: StandIn, run: Run
    ) -> None:
        cloudflare.zones["example.test"].nameservers = ()
        assert "names no nameservers" in refused(cloudflare, run)

    @pytest.mark.parametrize("status", ["active", "pending"])
    def test_two_zones_of_one_name_are_refused_with_both_named(
        self, cloudflare: StandIn, run: Run, status: str
    ) -> None:
        cloudflare.zones["example.test"].status = status
        twin = cloudflare.add_zone("example.test", "twin", status=status)
        line = refused(cloudflare, run)
        assert "sees 2 zones of this name" in line
        assert twin.id in line
        assert cloudflare.zones["example.test"].id in line

    @pytest.mark.parametrize(
        "other",
        [{"status": "moved"}, {"status": "pending"}, {"type": "internal"}],
        ids=["moved", "pending", "internal"],
    )
    def test_the_one_zone_of_a_name_that_the_world_asks_is_taken(
        self, cloudflare: StandIn, run: Run, other: dict[str, str]
    ) -> None:
        cloudflare.zones = {"twin": cloudflare.add_zone("example.test", "twin", **other), **cloudflare.zones}
        assert run()[0] == 0
        assert values(cloudflare) == WANTED

    @pytest.mark.parametrize("key", ["id", "name", "status", "type"])
    @pytest.mark.parametrize("value", [None, 7, ""], ids=["null", "number", "empty"])
    def test_a_zone_that_lacks_what_every_zone_has_is_an_error(
        self, cloudflare: StandIn, run: Run, key: str, value: object
    ) -> None:
        def without(body: dict[str, Any]) -> dict[str, Any]:
            return {**body, "result": [{**body["result"][0], key: value}]}

        for _ in range(READ_ATTEMPTS):
            cloudflare.fail_next(Fault("changed", "/zones", change=without))
        assert "Cloudflare" in refused(cloudflare, run)
