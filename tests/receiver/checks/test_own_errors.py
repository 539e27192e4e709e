"""An error of our own in the checks is temperror and a line in the journal, never a refusal."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from typing import Any

import pytest

from receiver.checks import dkim
from receiver.checks.check import Checks
from receiver.checks.dns_query import Answer
from receiver.checks.parts import Parts
from receiver.checks.results import DKIM
from receiver.checks.verdict import Verdict
from tests.receiver.checks.dkim.messages import signed
from tests.receiver.checks.judging import HOST, PEER, TABLE, feed, judged, results, run, verdict
from tests.receiver.checks.zone import Zone


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
