"""The report for people and for programs, and the exit code."""

from __future__ import annotations

import pytest

from dns.check import report
from dns.check.findings import Finding, advised, exit_code, required, unknown
from dns.world.answers import Answer
from dns.world.greeting import Greeting
from dns.world.nameservers import Server
from dns.world.seen import ServerSeen
from tests.dns.check.judging.values import V4, V6, answers, judge, place, resolver, seen, servers, silent


def test_a_finding_has_the_name_and_the_type_of_its_record() -> None:
    (finding,) = judge(seen(servers=servers(answers(A=Answer("SERVFAIL")))))
    assert (finding.name, finding.type) == ("mx.e.org", "A")
    (said,) = report.to_json(seen(), [finding])["required"]  # type: ignore[misc]
    assert (said["name"], said["type"]) == ("mx.e.org", "A")


def test_what_could_not_be_seen_and_is_not_required_is_a_remark() -> None:
    partly = seen(
        resolvers=(*resolver(), ServerSeen(Server("resolver", "1.1.1.1"), silent())),
        addresses=(place(V4, pointers=None), place(V6)),
    )
    assert judge(partly) == []
    assert report.lines(partly, []) == [
        "e.org: all that is required holds "
        "(answered: 4 nameserver addresses, 1 of 2 resolvers, port 25 of 2 addresses)",
        "no answer came from resolvers: 1.1.1.1",
        f"reverse DNS could not be looked up: {V4}",
    ]


ONE = [required("a", "p", "m")]


@pytest.mark.parametrize(
    ("findings", "code"),
    [
        ([], 0),
        ([advised("a", "p", "m")], 0),
        ([unknown("a", "p", "m")], 1),
        ([*ONE, unknown("a", "p", "m")], 2),
    ],
)
def test_the_exit_code_is_that_of_the_worst(findings: list[Finding], code: int) -> None:
    assert exit_code(findings) == code


def test_the_report_names_every_finding_with_its_fix_under_its_group() -> None:
    wrong = seen(addresses=(place(V4, Greeting("refused")), place(V6, None)))
    lines = report.lines(wrong, judge(wrong))
    assert lines[0] == (
        "e.org: 1 of what is required does not hold "
        "(answered: 4 nameserver addresses, 1 resolvers, port 25 of 0 of 2 addresses)"
    )
    assert lines[1] == "required, but missing or wrong:"
    assert "nothing listens there" in lines[2]
    assert lines[3].startswith("    -> find the reason with systemctl status letterbox.socket")
    assert lines[-1] == f"not asked, because there is no route from here: mx.e.org ({V6})"
    plain = report.to_json(wrong, judge(wrong))
    assert plain["exit_code"] == 2
    assert [one["code"] for one in plain["required"]] == ["port-25"]  # type: ignore[attr-defined]
