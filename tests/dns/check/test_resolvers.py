"""A resolver that gives no answer does not prove that the world sees what the nameservers answer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from dns import check
from dns.check import report
from dns.inventory import load
from dns.world.look.mail_hosts import look_at_address
from dns.world.nameservers import Server
from dns.world.progress import ProgressBoard
from tests.dns.check.found import FAULTS, QUESTIONS, QUICK, codes, found
from tests.dns.loopback.nameserver import Fault
from tests.dns.loopback.world import MAIL4, SOA, World


class TestResolvers:
    """A resolver that gives no answer does not prove that the world sees what the nameservers answer."""

    def test_resolvers_that_all_fail_are_a_finding_and_none_is_counted(
        self, world: World, inventory: Path
    ) -> None:
        for question in QUESTIONS[:3]:
            world.resolver.faults[question] = "REFUSED"
        read = load(inventory)
        vantage = replace(world.vantage, resolvers=world.vantage.resolvers * 3)
        seen, findings = check.examine(read, read.domain("example.test"), {}, vantage=vantage)
        assert codes(findings) == [("unknown", "resolver")]
        assert "0 of 3 resolvers" in report.summary(seen, findings)
        assert report.to_json(seen, findings)["resolvers"] == []

    @pytest.mark.usefixtures("silence")
    def test_one_resolver_that_fails_beside_another_is_a_remark(self, world: World, inventory: Path) -> None:
        read = load(inventory)
        both = (Server("resolver", world.resolver.address), Server("resolver", "127.83.0.99"))
        seen, findings = check.examine(
            read, read.domain("example.test"), {}, vantage=replace(world.vantage, resolvers=both)
        )
        assert findings == []
        assert "no answer came from resolvers: 127.83.0.99" in report.remarks(seen)

    @pytest.mark.parametrize("fault", QUICK[:-2])
    def test_a_resolver_that_does_not_answer_one_question_has_no_old_answers(
        self, world: World, inventory: Path, fault: Fault
    ) -> None:
        world.resolver.faults["example.test", "MX"] = fault
        (finding,) = found(world, inventory)
        assert (finding.group, finding.code) == ("unknown", "resolver")
        assert FAULTS[fault] in finding.problem

    def test_a_server_that_refers_in_place_of_resolving_has_no_old_answers(
        self, world: World, inventory: Path
    ) -> None:
        world.resolver.faults["example.test", "MX"] = "upwards"
        assert codes(found(world, inventory)) == [("unknown", "resolver")]


@pytest.mark.parametrize("fault", QUICK[:5])
def test_a_reverse_name_whose_lookup_failed_is_unknown(world: World, fault: Fault) -> None:
    reverse = f"{SOA}25.0.83.127.in-addr.arpa. 60 PTR mx1.example.test.\n"
    world.resolver.zones["127.in-addr.arpa"] = reverse
    vantage = world.vantage
    assert look_at_address("mx1.example.test", MAIL4, vantage, ProgressBoard(print)).pointers == {
        "mx1.example.test": frozenset({MAIL4})
    }
    world.resolver.faults["mx1.example.test", "A"] = fault
    place = look_at_address("mx1.example.test", MAIL4, vantage, ProgressBoard(print))
    assert place.pointers == {"mx1.example.test": None}
    assert not place.reverse_is_known
    world.resolver.faults["25.0.83.127.in-addr.arpa", "PTR"] = fault
    assert look_at_address("mx1.example.test", MAIL4, vantage, ProgressBoard(print)).pointers is None
