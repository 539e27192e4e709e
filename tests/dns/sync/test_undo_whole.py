"""An undo puts back the whole record, as it was."""

from __future__ import annotations

from tests.dns.example import Run
from tests.lab.cloudflare import StandIn


class TestWhole:
    """An undo puts back the whole record, as it was."""

    def test_tags_and_settings_of_a_replaced_record_are_put_back(self, cloudflare: StandIn, run: Run) -> None:
        cloudflare.zones["example.test"].plan = "business"
        own = {"tags": ["owner:bob", "old"], "settings": {"ipv4_only": True}, "comment": "Bob's", "ttl": 600}
        (before,) = cloudflare.seed(
            "example.test", {"type": "MX", "name": "@", "content": "old.test", "priority": 5, **own}
        )
        assert run("--replace-mx", "old.test")[0] == 0
        assert run("--undo")[0] == 0
        (after,) = [one for one in cloudflare.records("example.test") if one["type"] == "MX"]
        assert {key: after[key] for key in own} == {key: before[key] for key in own} == own

    def test_tags_of_a_record_that_is_changed_in_place_stay(self, cloudflare: StandIn, run: Run) -> None:
        cloudflare.zones["example.test"].plan = "business"
        mx = {"type": "MX", "name": "@", "content": "mx1.example.test", "priority": 50, "tags": ["old"]}
        cloudflare.seed("example.test", mx)
        assert run("--replace-mx", "mx1.example.test")[0] == 0
        (held,) = [one for one in cloudflare.records("example.test") if one["type"] == "MX"]
        assert (held["priority"], held["tags"]) == (10, ["old"])
        assert run("--undo")[0] == 0
        (held,) = cloudflare.records("example.test")
        assert (held["priority"], held["tags"], held["comment"]) == (50, ["old"], None)

    def test_an_alias_that_was_proxied_is_proxied_again(self, cloudflare: StandIn, run: Run) -> None:
        alias = {"type": "CNAME", "name": "mx1", "content": "old.test", "proxied": True}
        cloudflare.seed("example.test", alias)
        assert run("--replace-cname", "old.test")[0] == 0
        assert run("--undo")[0] == 0
        (after,) = cloudflare.records("example.test")
        assert (after["type"], after["proxied"]) == ("CNAME", True)

    def test_a_record_that_is_made_of_data_is_put_back_with_it(self, cloudflare: StandIn, run: Run) -> None:
        data = {"priority": 1, "weight": 2, "port": 25, "target": "old.test"}
        ours = {"type": "SRV", "name": "_smtp._tcp", "data": data, "comment": "letterbox example.test"}
        cloudflare.seed("example.test", ours)
        run()
        assert not any(record["type"] == "SRV" for record in cloudflare.records("example.test"))
        assert run("--undo")[0] == 0
        (after,) = cloudflare.records("example.test")
        assert (after["type"], after["data"]) == ("SRV", data)
