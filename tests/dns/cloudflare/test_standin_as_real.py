"""The stand-in answers as the real API does by public sources, also where its documentation is silent."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from tests.dns.cloudflare.test_standin import a, code, mx
from tests.dns.example import SECONDS, TOKEN
from tests.lab.cloudflare import StandIn


class TestAsTheRealOneAnswers:
    """What public sources tell about the real API and its documentation does not."""

    def zones(self, cloudflare: StandIn, name: str, token: str = TOKEN) -> httpx.Response:
        headers = {"authorization": f"Bearer {token}"}
        return httpx.get(f"{cloudflare.base_url}/zones?name={name}", headers=headers, timeout=SECONDS)

    def test_a_name_that_is_not_a_zone_of_the_token_is_refused_or_answered_with_nothing(
        self, cloudflare: StandIn
    ) -> None:
        refused = self.zones(cloudflare, "sub.example.test")
        assert (refused.status_code, code(refused)) == (403, 0)
        assert "requires permission" in refused.json()["errors"][0]["message"]
        cloudflare.api.hides_unknown = True
        assert self.zones(cloudflare, "sub.example.test").json()["result"] == []

    def test_a_token_for_all_zones_is_answered_with_nothing(self, cloudflare: StandIn) -> None:
        cloudflare.add_token("account-token-0123456789", listing=True)
        assert self.zones(cloudflare, "nowhere.test", "account-token-0123456789").json()["result"] == []

    def test_a_token_with_a_filter_of_addresses_is_refused_elsewhere(self, cloudflare: StandIn) -> None:
        cloudflare.add_token("office-token-0123456789", here=False)
        refused = self.zones(cloudflare, "example.test", "office-token-0123456789")
        assert (refused.status_code, code(refused)) == (403, 9109)
        assert refused.json()["errors"][0]["message"].endswith("from location: 127.0.0.1")

    def test_pages_may_be_capped(self, cloudflare: StandIn, api: httpx.Client) -> None:
        cloudflare.seed("example.test", *(a(name=f"n{number}") for number in range(120)))
        cloudflare.api.page_cap = 100
        first = api.get("dns_records", params={"per_page": 5000}).json()
        assert len(first["result"]) == 100
        assert {key: first["result_info"][key] for key in ("total_count", "total_pages", "per_page")} == {
            "total_count": 120,
            "total_pages": 2,
            "per_page": 100,
        }

    def test_the_priority_may_be_in_the_data_alone(self, cloudflare: StandIn, api: httpx.Client) -> None:
        cloudflare.api.priority_in_data = True
        sent = {"type": "MX", "name": "@", "data": {"priority": 10, "target": "mx1.example.test"}}
        made = api.post("dns_records", json=sent).json()["result"]
        assert "priority" not in made
        assert made["data"] == {"priority": 10.0, "target": "mx1.example.test"}

    @pytest.mark.parametrize("meta", [{"r2_bucket": "files"}, {"origin_worker_id": "x"}])
    def test_a_record_of_another_product_is_read_only(
        self, cloudflare: StandIn, api: httpx.Client, meta: dict[str, str]
    ) -> None:
        held = cloudflare.zones["example.test"].manage(a(), read_only=True, **meta)
        path = f"dns_records/{held['id']}"
        assert code(api.patch(path, json={"ttl": 60})) == code(api.delete(path)) == 1043
        assert code(api.post("dns_records/batch", json={"deletes": [{"id": held["id"]}]})) == 1043

    def test_each_plan_has_its_own_quota_comments_and_tags(
        self, cloudflare: StandIn, api: httpx.Client
    ) -> None:
        zone = cloudflare.zones["example.test"]
        cloudflare.seed("example.test", *(a(name=f"n{number}") for number in range(200)))
        assert code(api.post("dns_records", json=a())) == 81045
        zone.plan = "pro"
        long = a(comment="x" * 500, tags=["a:b"])
        assert api.post("dns_records", json=long).json()["result"]["tags"] == ["a:b"]

    def test_a_name_holds_8192_octets_of_text(self, api: httpx.Client) -> None:
        texts = [a(type="TXT", content=f"{number}" + "x" * 2000) for number in range(5)]
        posted = [api.post("dns_records", json=text) for text in texts]
        assert [answer.status_code for answer in posted] == [200] * 4 + [400]
        assert code(posted[-1]) == 1004

    def test_a_text_is_the_same_record_quoted_or_not(self, api: httpx.Client) -> None:
        assert api.post("dns_records", json=a(type="TXT", content="v=spf1 -all")).status_code == 200
        assert code(api.post("dns_records", json=a(type="TXT", content='"v=spf1 -all"'))) == 81058

    def test_domains_that_were_given_away_cannot_be_changed(self, cloudflare: StandIn) -> None:
        zone = cloudflare.add_zone("example.tk")
        url = f"{cloudflare.base_url}/zones/{zone.id}/dns_records"
        headers = {"authorization": f"Bearer {TOKEN}"}
        assert code(httpx.post(url, headers=headers, json=a(), timeout=SECONDS)) == 1038

    @pytest.mark.parametrize("kind", ["partial", "secondary", "internal"])
    def test_a_zone_that_is_not_full_says_so_and_is_not_published(
        self, cloudflare: StandIn, zones_dir: Path, kind: str
    ) -> None:
        zone = cloudflare.add_zone("half.test", type=kind)
        cloudflare.seed("half.test", mx())
        assert self.zones(cloudflare, "half.test").json()["result"][0]["type"] == kind
        assert zone.records
        assert not (zones_dir / "half.test.zone").exists()

    def test_a_text_is_published_quoted_however_it_was_sent(
        self, cloudflare: StandIn, zones_dir: Path
    ) -> None:
        cloudflare.seed("example.test", a(type="TXT", content='say "hi"'), a(type="TXT", content="x" * 300))
        text = (zones_dir / "example.test.zone").read_text()
        assert '"say \\"hi\\""' in text
        assert f'"{"x" * 255}" "{"x" * 45}"' in text

    def test_the_time_to_wait_may_come_in_any_form(self, cloudflare: StandIn, api: httpx.Client) -> None:
        cloudflare.api.limit, cloudflare.api.retry_after = 0, "0"
        limited = api.get("dns_records")
        assert (limited.status_code, limited.headers["retry-after"]) == (429, "0")
