"""Running all checks of one message: what overlaps, and what happens at the deadline."""

from __future__ import annotations

import asyncio
import gc
import time
import warnings
from typing import Any

import pytest

from receiver.checks.check import Checks, MessageCheck
from receiver.checks.dns_query import PTR
from receiver.checks.verdict import Verdict
from tests.receiver.checks.dkim.messages import signed
from tests.receiver.checks.judging import HOST, PEER, TABLE, feed, judged, leap, results, run, verdict
from tests.receiver.checks.zone import Zone


def test_all_results_are_in_the_field() -> None:
    found = judged(Zone(TABLE))
    assert results(found) == ["pass", "pass", "pass", "pass"]
    field = found.field.decode()
    assert field.startswith("Authentication-Results: mx.example.test;\r\n\tdkim=pass (2048 bits) ")
    assert field.endswith("\tiprev=pass (mail.example.com) policy.iprev=192.0.2.1\r\n")
    assert found.to_journal() == {
        "dkim": "pass", "spf": "pass", "dmarc": "pass", "author": "example.com", "policy": "reject",
        "reverse": "mail.example.com", "checks": found.seconds,
    }  # fmt: skip


def test_nothing_waits_and_no_task_is_made_if_all_answers_are_known() -> None:
    """A conversation runs outside of a task until it waits. So the checks are stepped by hand here."""

    async def all_known() -> None:
        made: list[Any] = []
        loop = asyncio.get_running_loop()
        loop.set_task_factory(
            lambda loop, work, **more: made.append(work) or asyncio.Task(work, loop=loop, **more)
        )
        check = Checks(Zone(TABLE), HOST).connection(PEER).message("mail.example.com", "a@example.com")
        feed(check)
        with pytest.raises(StopIteration) as ended:
            check.verdict().send(None)
        assert results(ended.value.value) == ["pass"] * 4
        assert made == []

    run(all_known())


def test_a_check_that_waits_works_outside_of_a_task() -> None:
    async def from_a_callback() -> Verdict:
        loop, done = asyncio.get_running_loop(), asyncio.get_running_loop().create_future()
        checks = Checks(Zone(TABLE, delay=0.01), HOST)
        begun: list[MessageCheck] = []

        def begin() -> None:  # no task runs in a callback
            begun.append(checks.connection(PEER).message("mail.example.com", "a@example.com"))
            feed(begun[0])
            done.set_result(None)

        loop.call_soon(begin)
        await done
        return await begun[0].verdict()

    assert results(run(from_a_callback())) == ["pass"] * 4


def test_questions_overlap_each_other_and_the_body() -> None:
    async def overlapping() -> tuple[float, Verdict]:
        zone = Zone(TABLE, delay=0.1)
        check = Checks(zone, HOST).connection(PEER).message("mail.example.com", "a@example.com")
        head, _, body = signed().partition(b"\r\n\r\n")
        check.head(head + b"\r\n")
        await asyncio.sleep(0.35)  # the body comes; SPF's three questions in turn need the most time
        check.update(body)
        return len(zone.asked), await check.verdict()

    asked, found = leap(overlapping())
    assert results(found) == ["pass"] * 4
    assert asked >= 7
    assert found.seconds < 0.15, "more than what DMARC's own last question may take"


@pytest.mark.parametrize("peer", ["", "unix", "/run/socket"])
def test_a_peer_without_an_address_has_no_iprev(peer: str) -> None:
    found = judged(Zone(TABLE), peer=peer)
    assert results(found) == ["pass", "none", "pass", ""]
    assert b"iprev" not in found.field
    assert "reverse" not in found.to_journal()


def test_an_ipv4_peer_of_an_ipv6_socket_is_checked_as_ipv4() -> None:
    assert results(judged(Zone(TABLE), peer="::ffff:192.0.2.1")) == ["pass"] * 4


def test_a_bounce_has_its_helo_checked() -> None:
    found = judged(Zone(TABLE), sender="")
    assert (found.spf.result, found.spf.identity, found.spf.domain) == ("pass", "helo", "mail.example.com")
    assert b"\tspf=pass smtp.helo=mail.example.com;" in found.field
    assert b"smtp.mailfrom" not in found.field


def test_the_reverse_name_is_asked_for_once_a_connection_unless_dns_failed() -> None:
    async def three_messages(table: dict[str, list[Any]]) -> tuple[list[str], int]:
        zone = Zone(table)
        connection, found = Checks(zone, HOST).connection(PEER), []
        for _ in range(3):
            check = connection.message("mail.example.com", "a@example.com")
            feed(check)
            found.append((await check.verdict()).reverse)
        return [each.result for each in found if each], [kind for _, kind in zone.asked].count(PTR)

    assert run(three_messages(TABLE)) == (["pass"] * 3, 1)
    failing = TABLE | {"1.2.0.192.in-addr.arpa": ["TIMEOUT"]}
    assert run(three_messages(failing)) == (["temperror"] * 3, 3)


SILENT: dict[str, list[Any]] = {
    "spf.example.com": ["SILENCE"],
    "1.2.0.192.in-addr.arpa": ["SILENCE"],
    "sel._domainkey.example.com": ["SILENCE"],
    "_dmarc.example.com": ["SILENCE"],
}


def test_at_the_deadline_what_is_missing_is_temperror_and_nothing_is_left() -> None:
    checks = Checks(Zone(TABLE | SILENT), HOST, deadline=0.2)
    began = time.monotonic()
    found = run(verdict(checks))
    assert time.monotonic() - began < 20
    assert results(found) == ["temperror"] * 4
    assert 0.19 <= found.seconds < 20  # The time of the loop is a float, and may differ in its last digits.
    assert (checks.late, checks.waited) == (1, found.seconds)
    assert (found.spf.domain, found.spf.identity, found.spf.sender) == (
        "example.com",
        "mailfrom",
        "a@example.com",
    )
    assert found.dmarc.domain == "example.com"
    assert found.to_journal()["reverse"] == "temperror"
    assert not found.should_be_refused


@pytest.mark.parametrize("silent", SILENT)
def test_one_silent_server_leaves_the_other_results_as_they_are(silent: str) -> None:
    found = leap(verdict(Checks(Zone(TABLE | {silent: SILENT[silent]}), HOST, deadline=0.1)))
    good = dict(zip(SILENT, (1, 3, 0, 2), strict=True))
    expected = ["pass"] * 4
    expected[good[silent]] = "temperror"
    assert results(found) == expected or silent == "sel._domainkey.example.com", results(found)
    assert results(found)[good[silent]] == "temperror"


def test_a_message_that_is_given_up_leaves_nothing_behind() -> None:
    async def given_up() -> None:
        checks = Checks(Zone(TABLE | SILENT), HOST)
        for step in range(3):
            check = checks.connection(PEER).message("mail.example.com", "a@example.com")
            if step:
                check.head(b"From: a@example.com\r\n")
            if step == 2:
                await asyncio.sleep(0)
            check.cancel()
            check.cancel()
            del check
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            assert len(asyncio.all_tasks()) == 1

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run(given_up())
        gc.collect()
