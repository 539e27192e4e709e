"""Running all checks of one message: what overlaps, what happens when DNS or our own code fails."""

from __future__ import annotations

import asyncio
import gc
import time
import warnings
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import fields, replace
from typing import Any

import pytest

from receiver.checks import dkim
from receiver.checks.check import Checks, MessageCheck
from receiver.checks.dns_query import PTR, Answer
from receiver.checks.parts import Parts
from receiver.checks.results import DKIM, Reverse
from receiver.checks.verdict import Verdict
from receiver.loop.event_loop import new_loop
from tests.receiver.checks.dkim.messages import record, rsa, signed
from tests.receiver.checks.zone import Zone

PEER, HOST = "192.0.2.1", "mx.example.test"
TABLE: dict[str, list[Any]] = {
    "example.com": ["TXT v=spf1 include:spf.example.com -all"],
    "spf.example.com": ["TXT v=spf1 a:mail.example.com -all"],
    "mail.example.com": ["A 192.0.2.1", "TXT v=spf1 a -all"],
    "1.2.0.192.in-addr.arpa": ["PTR mail.example.com"],
    "sel._domainkey.example.com": [("TXT", record(rsa()))],
    "_dmarc.example.com": ["TXT v=DMARC1; p=reject"],
}


def run(work: Coroutine[Any, Any, Any]) -> Any:
    with asyncio.Runner(loop_factory=new_loop) as runner:
        return runner.run(work)


def feed(check: MessageCheck, message: bytes = b"", piece: int = 7) -> bytes:
    """Give a whole message to the check. Returns its header section as it is stored."""
    head, _, body = (message or signed()).partition(b"\r\n\r\n")
    stored = check.head(head + b"\r\n")
    for at in range(0, len(body), piece):
        check.update(body[at : at + piece])
    return stored


async def verdict(
    checks: Checks, message: bytes = b"", sender: str = "a@example.com", **more: str
) -> Verdict:
    check = checks.connection(more.get("peer", PEER)).message(more.get("helo", "mail.example.com"), sender)
    feed(check, message)
    found = await check.verdict()
    await asyncio.sleep(0)  # what was cancelled ends
    await asyncio.sleep(0)
    assert len(asyncio.all_tasks()) == 1, asyncio.all_tasks()
    return found


def judged(zone: Any, message: bytes = b"", **more: Any) -> Verdict:
    settings = {name: more.pop(name) for name in ("deadline", "parts", "names") if name in more}
    return run(verdict(Checks(zone, HOST, **settings), message, **more))  # type: ignore[no-any-return]


def results(found: Verdict) -> list[str]:
    return [
        *(each.result for each in found.dkim),
        found.spf.result,
        found.dmarc.result,
        found.reverse.result if found.reverse else "",
    ]


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

    asked, found = run(overlapping())
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
    assert time.monotonic() - began < 1.0
    assert results(found) == ["temperror"] * 4
    assert 0.2 <= found.seconds < 0.6
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
    found = judged(Zone(TABLE | {silent: SILENT[silent]}), deadline=0.1)
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


# Faults of our own


class Broken:
    """A resolver that breaks, or gives records that no resolver could give."""

    def __init__(self, answer: Any) -> None:
        self._answer = answer

    async def query(self, name: str, kind: int) -> Answer:
        await asyncio.sleep(0)
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer  # type: ignore[no-any-return]


BROKEN = [
    RuntimeError("broken"), KeyError("x"), None, Answer((1,)), Answer((None,)), Answer(("text",)),
    Answer((b"\xff" * 10,)), Answer((b"v=spf1 " + b"a:" * 10,)), Answer(5),  # type: ignore[arg-type]
]  # fmt: skip


@pytest.mark.parametrize("answer", BROKEN, ids=repr)
def test_a_broken_resolver_or_record_is_no_refusal(answer: Any) -> None:
    found = judged(Broken(answer))
    assert set(results(found)) <= {"temperror", "permerror", "none", "neutral", "fail"}
    assert found.field.startswith(b"Authentication-Results: mx.example.test;\r\n")
    assert not found.should_be_refused


async def _raise(*_: Any) -> Any:
    raise LookupError("of our own")


async def _raise_later(*_: Any) -> Any:
    await asyncio.sleep(0)
    raise LookupError("of our own")


def _raise_now(*_: Any) -> Any:
    raise LookupError("of our own")


class _Signatures(dkim.Signatures):
    fails = ""

    def update(self, piece: bytes) -> None:
        if self.fails == "update":
            _raise_now()
        super().update(piece)

    async def ask(self, resolver: Any) -> None:
        if self.fails == "ask":
            await _raise_later()
        await super().ask(resolver)

    def results(self) -> list[DKIM]:
        if self.fails == "results":
            _raise_now()
        return super().results()


def _broken_in(name: str) -> Callable[[Sequence[tuple[bytes, bytes]]], _Signatures]:
    return type("Broken", (_Signatures,), {"fails": name})


FAULTS: dict[str, dict[str, Any]] = {
    **{f"{part.name} at once": {part.name: _raise_now} for part in fields(Parts)},
    **{f"{name}, awaited": {name: _raise} for name in ("spf", "reverse", "discover", "dmarc")},
    **{f"{name}, later": {name: _raise_later} for name in ("spf", "reverse", "discover", "dmarc")},
    **{f"signatures.{name}": {"signatures": _broken_in(name)} for name in ("update", "ask", "results")},
    "nothing is written": {"write": lambda *_: b""},
    "too much is written": {"write": lambda *_: b"A: " + b"x" * 3000 + b"\r\n"},
    "all of them": {part.name: _raise_now for part in fields(Parts)},
}
FORGED = b"Authentication-Results: mx.example.test; dmarc=pass\r\n"


@pytest.mark.parametrize("fault", FAULTS)
def test_an_error_in_any_function_of_the_checks_is_temperror_and_a_line(
    fault: str, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = replace(Parts(), **FAULTS[fault])
    checks = Checks(Zone(TABLE), HOST, parts=broken)

    async def both() -> tuple[Verdict, bytes]:
        check = checks.connection(PEER).message("mail.example.com", "a@example.com")
        stored = feed(check, FORGED + signed())
        return await check.verdict(), stored

    found, stored = run(both())
    assert FORGED not in stored
    assert signed().partition(b"\r\n\r\n")[0] in stored
    assert found.field.startswith(b"Authentication-Results: mx.example.test;\r\n\t")
    assert found.field.endswith(b"\r\n") and len(found.field) <= 2048
    assert not found.should_be_refused
    log = capsys.readouterr().err
    if fault not in ("discover, awaited", "discover, later"):  # what it asks early is asked again
        assert log.startswith("event=error check="), log
        assert "of our own" not in log
    run(verdict(checks))
    assert capsys.readouterr().err == "", "the same error is logged once a minute"


def test_an_error_in_one_check_leaves_the_others() -> None:
    for name, at in (("spf", 1), ("reverse", 3), ("signatures", 0)):
        found = judged(Zone(TABLE), parts=replace(Parts(), **{name: _raise_now}))
        expected = ["pass"] * 4
        expected[at] = "temperror"
        assert results(found) == expected, name


# Forged results, and refusing


def test_forged_results_go_and_the_signature_over_them_still_counts() -> None:
    message = FORGED + b"Authentication-Results: mx2.example.test; spf=pass\r\n" + signed()

    async def both() -> tuple[bytes, Verdict]:
        checks = Checks(Zone(TABLE), HOST, ["MX2.example.test"])
        check = checks.connection(PEER).message("mail.example.com", "a@example.com")
        return feed(check, message), await check.verdict()

    stored, found = run(both())
    assert results(found) == ["pass"] * 4
    assert found.to_journal()["forged"] == 2
    assert stored == signed().partition(b"\r\n\r\n")[0] + b"\r\n"


LIST = b"List-Id: Friends of bugs <bugs.lists.test>\r\n"
UNSIGNED = b"From: a@example.com\r\nSubject: x\r\n\r\nx\r\n"
ELSEWHERE = {"d": "lists.test", "s": "sel"}
STRANGER = TABLE | {"example.com": ["TXT v=spf1 -all"], "sel._domainkey.lists.test": [("TXT", record(rsa()))]}


@pytest.mark.parametrize(
    ("message", "table", "refused"),
    [
        (UNSIGNED, {}, True),
        (UNSIGNED, {"_dmarc.example.com": ["TXT v=DMARC1; p=quarantine"]}, False),
        (UNSIGNED, {"_dmarc.example.com": ["TXT v=DMARC1; p=reject; t=y"]}, False),
        (UNSIGNED, {"_dmarc.example.com": ["TIMEOUT"]}, False),
        (UNSIGNED, {"example.com": ["TXT TIMEOUT"]}, False),
        (UNSIGNED, {"1.2.0.192.in-addr.arpa": ["TIMEOUT"]}, False),
        (signed(), {}, False),
        (signed(ELSEWHERE), {}, True),
        (signed(ELSEWHERE), {"sel._domainkey.lists.test": ["TIMEOUT"]}, False),
        (LIST + signed(ELSEWHERE), {}, False),
        (LIST + signed(ELSEWHERE | {"d": "bugs.lists.test"}), {"sel._domainkey.lists.test": []}, True),
        (LIST.replace(b"bugs.lists", b"bugs.other") + signed(ELSEWHERE), {}, True),
        (LIST.replace(b"bugs.lists", b"bugslists") + signed(ELSEWHERE), {}, True),
        (LIST + UNSIGNED, {}, True),
    ],
)
def test_only_a_fail_that_nothing_speaks_against_should_be_refused(
    message: bytes, table: dict[str, Any], refused: bool
) -> None:
    found = judged(Zone(STRANGER | table), message)
    assert found.should_be_refused is refused, results(found)


def test_several_signatures_are_one_word_in_the_journal() -> None:
    found = judged(Zone(TABLE))
    good, bad, worse = DKIM("pass"), DKIM("fail"), DKIM("temperror")
    for several, word in (((bad, good), "pass"), ((worse, bad), "temperror"), ((), "none")):
        assert replace(found, dkim=several).to_journal()["dkim"] == word
    failed = replace(found, reverse=Reverse("fail", "a.b.test"), forged=2)
    assert (failed.to_journal()["reverse"], failed.to_journal()["forged"]) == ("fail", 2)
