"""The API's answers are checked before they are believed: pages, shapes, and how records are sent."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from dns.cloudflare.api import READ_ATTEMPTS
from dns.cloudflare.zones import LIST_ATTEMPTS
from tests.dns.example import DOMAIN, HOST, WANTED, Run, inventory_text, only_line, values
from tests.lab.cloudflare import Fault, StandIn


def refused(cloudflare: StandIn, run: Run) -> str:
    """The only line of a run that changed nothing, although it may replace an MX."""
    before = cloudflare.records("example.test")
    line = only_line(run("--replace-mx", "old.test"))
    assert cloudflare.records("example.test") == before
    assert not any(request.method == "POST" for request in cloudflare.requests)
    return line


class TestPages:
    """Either all records of the zone are read, or the run ends with an error."""

    @pytest.fixture
    def crowded(self, cloudflare: StandIn) -> StandIn:
        """A zone of 250 records, of which the last is an MX that is in the way."""
        zone = cloudflare.zones["example.test"]
        zone.plan = "business"
        (one,) = cloudflare.seed("example.test", {"type": "A", "name": "n", "content": "192.0.2.1"})
        zone.records |= {
            f"{n:032x}": {**one, "id": f"{n:032x}", "name": f"n{n}.example.test"} for n in range(248)
        }
        cloudflare.seed("example.test", {"type": "MX", "name": "@", "content": "old.test", "priority": 1})
        return cloudflare

    def test_pages_shorter_than_asked_for_are_read_to_the_last(self, crowded: StandIn, run: Run) -> None:
        crowded.api.page_cap = 100
        assert "--replace-mx old.test" in refused_without_options(crowded, run)
        assert len(crowded.requests) == 4

    def test_pages_that_are_counted_as_if_they_were_long_are_read_to_the_last(
        self, crowded: StandIn, run: Run
    ) -> None:
        crowded.api.page_cap = 100

        def one_page(body: dict[str, Any]) -> dict[str, Any]:
            return {**body, "result_info": {**body["result_info"], "total_pages": 1, "per_page": 5000}}

        for _ in range(3):
            crowded.fail_next(Fault("changed", "/dns_records", change=one_page))
        assert "--replace-mx old.test" in refused_without_options(crowded, run)

    def test_a_page_that_is_not_the_last_but_has_no_next_is_an_error(
        self, crowded: StandIn, run: Run
    ) -> None:
        def first_hundred(body: dict[str, Any]) -> dict[str, Any]:
            return {**body, "result": body["result"][:100]}

        for _ in range(2):
            crowded.fail_next(Fault("changed", "/dns_records", change=first_hundred))
        assert "gave 100 of 250 items" in refused(crowded, run)

    @pytest.mark.parametrize(
        "info",
        [None, {}, [], {"total_count": None}, {"total_count": "250"}, {"total_count": -1, "page": 1}],
    )
    def test_a_list_that_does_not_give_its_length_is_an_error(
        self, crowded: StandIn, run: Run, info: object
    ) -> None:
        crowded.fail_next(Fault("changed", "/dns_records", change=lambda body: {**body, "result_info": info}))
        assert "did not say whether the 250 items it gave are all" in refused(crowded, run)

    def test_a_list_without_any_length_is_an_error(self, crowded: StandIn, run: Run) -> None:
        def bare(body: dict[str, Any]) -> dict[str, Any]:
            return {key: value for key, value in body.items() if key != "result_info"}

        crowded.fail_next(Fault("changed", "/dns_records", change=bare))
        assert "did not say whether" in refused(crowded, run)

    def test_a_record_that_comes_twice_does_not_count_for_one_that_is_missing(
        self, crowded: StandIn, run: Run
    ) -> None:
        def twice(body: dict[str, Any]) -> dict[str, Any]:
            return {**body, "result": [*body["result"][:-1], body["result"][0]]}

        for _ in range(2):
            crowded.fail_next(Fault("changed", "/dns_records", change=twice))
        assert "gave 249 of 250 items" in refused(crowded, run)

    def test_a_zone_that_changes_between_two_pages_is_read_again(self, crowded: StandIn, run: Run) -> None:
        crowded.api.page_cap = 200

        def and_then_one_goes(body: dict[str, Any]) -> dict[str, Any]:
            crowded.zones["example.test"].records.popitem()  # it is the MX that was in the way
            return body

        crowded.fail_next(Fault("changed", "/dns_records", change=and_then_one_goes))
        assert run()[0] == 0
        assert [r.query["page"] for r in crowded.requests if r.path.endswith("/dns_records")] == list("1212")

    def test_a_zone_that_never_stays_the_same_is_given_up(self, crowded: StandIn, run: Run) -> None:
        crowded.api.page_cap = 200

        def and_then_one_goes(body: dict[str, Any]) -> dict[str, Any]:
            del crowded.zones["example.test"].records[body["result"][0]["id"]]
            return body

        for _ in range(2 * LIST_ATTEMPTS):
            crowded.fail_next(Fault("changed", "/dns_records", change=and_then_one_goes))
        assert "the list changed each time while its pages were read (3 times)" in only_line(run())


def refused_without_options(cloudflare: StandIn, run: Run) -> str:
    """The only line of a run that found something in the way and changed nothing."""
    before = cloudflare.records("example.test")
    line = only_line(run())
    assert cloudflare.records("example.test") == before
    return line


class TestShapes:
    """An answer of status 200 with a wrong content changes nothing."""

    @pytest.mark.parametrize(
        "change",
        [
            lambda body: {**body, "result": None},
            lambda body: {**body, "result": {}},
            lambda body: {**body, "result": "all of them"},
            lambda body: {**body, "result": [None]},
            lambda body: {**body, "result": [[]]},
            lambda body: {**body, "result": [{}]},
            lambda body: {**body, "result": [{"id": ["x"]}]},
            lambda body: {**body, "success": False},
            lambda body: {**body, "success": "true"},
            lambda body: {key: value for key, value in body.items() if key != "success"},
            lambda body: {key: value for key, value in body.items() if key != "result"},
            lambda body: [],
            lambda body: None,
            lambda body: "ok",
            lambda body: 7,
        ],
    )
    @pytest.mark.parametrize("on", ["/zones", "/dns_records"])
    def test_an_answer_of_a_wrong_shape_to_a_read_is_an_error(
        self, cloudflare: StandIn, run: Run, on: str, change: Callable[[dict[str, Any]], object]
    ) -> None:
        for _ in range(READ_ATTEMPTS):
            cloudflare.fail_next(Fault("changed", on, change=change))
        line = refused(cloudflare, run)
        assert "Cloudflare" in line

    @pytest.mark.parametrize(
        ("key", "value"),
        [
            ("type", None),
            ("name", 7),
            ("content", None),
            ("content", ["mx1.example.test"]),
            ("priority", "10"),
            ("priority", 70000),
            ("priority", True),
            ("ttl", "300"),
            ("ttl", 1.5),
            ("ttl", None),
        ],
    )
    def test_a_record_of_wrong_types_is_an_error(
        self, cloudflare: StandIn, run: Run, key: str, value: object
    ) -> None:
        run()
        cloudflare.requests.clear()

        def with_value(body: dict[str, Any]) -> dict[str, Any]:
            first, *rest = body["result"]
            return {**body, "result": [{**first, key: value}, *rest]}

        for _ in range(READ_ATTEMPTS):
            cloudflare.fail_next(Fault("changed", "/dns_records", change=with_value))
        assert "Cloudflare answered" in refused(cloudflare, run)

    def test_the_errors_in_a_200_without_success_are_reported(self, cloudflare: StandIn, run: Run) -> None:
        refusal = {"success": False, "result": None, "errors": [{"code": 10000, "message": "not today"}]}
        for _ in range(READ_ATTEMPTS):
            cloudflare.fail_next(Fault("changed", "/zones", change=lambda body: refusal))
        assert "10000 not today" in refused(cloudflare, run)

    def test_the_priority_of_an_mx_may_be_in_its_data_alone(self, cloudflare: StandIn, run: Run) -> None:
        cloudflare.api.priority_in_data = True
        assert run()[0] == 0
        assert values(cloudflare) == WANTED
        assert run()[1].startswith("example.test: in sync")
        assert run("--undo")[0] == 0
        assert values(cloudflare) == set()

    @pytest.mark.parametrize("content", ["v=spf1 -all", '"v=spf1 -all"', '"v=spf1" " -all"'])
    def test_a_text_is_the_same_quoted_or_not(
        self, cloudflare: StandIn, run: Run, inventory: Path, content: str
    ) -> None:
        cloudflare.seed("example.test", {"type": "TXT", "name": "@", "content": content})
        inventory.write_text(
            inventory_text({"mx1.example.test": HOST}, {"example.test": {**DOMAIN, "sends_mail": False}})
        )
        assert run()[0] == 0
        assert sum(record["type"] == "TXT" for record in cloudflare.records("example.test")) == 2
        assert run()[1].startswith("example.test: in sync")

    def test_only_the_fields_that_differ_are_sent(
        self, cloudflare: StandIn, run: Run, inventory: Path
    ) -> None:
        run()
        inventory.write_text(
            inventory_text({"mx1.example.test": HOST}, {"example.test": {**DOMAIN, "ttl": 600}})
        )
        run()
        body = httpx.Response(200, content=cloudflare.requests[-1].body).json()
        assert [set(patch) for patch in body["patches"]] == [{"id", "ttl"}] * 3

    def test_a_caa_is_sent_as_data_alone(self, cloudflare: StandIn, run: Run, inventory: Path) -> None:
        domain = {**DOMAIN, "caa": ["letsencrypt.org"]}
        inventory.write_text(inventory_text({"mx1.example.test": HOST}, {"example.test": domain}))
        assert run()[0] == 0
        body = httpx.Response(200, content=cloudflare.requests[-1].body).json()
        (caa,) = [post for post in body["posts"] if post["type"] == "CAA"]
        assert "content" not in caa
        assert caa["data"] == {"flags": 0, "tag": "issue", "value": "letsencrypt.org"}
