"""The doctor's links about the checks of senders. None of them ends the walk, because mail is taken."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from receiver.checks.dns_query import MX
from receiver.doctor.links import Link
from receiver.doctor.services import resolver
from receiver.doctor.services.resolver import counted, judged
from tests.receiver.checks.resolver.played import NODATA, NXDOMAIN, SERVFAIL, SILENT, Reply, playing, records
from tests.receiver.processes import DEADLINE

RECEIVED = b"event=received id=1 from=a@b.example dkim=%s spf=%s dmarc=%s author=b.example checks=0.1\n"


def link(path: Path, reply: Reply | None) -> Link:
    """What is said of a resolver at this socket that answers so. None: there is no socket."""

    async def asked() -> Link:
        async with playing(path) as played:
            played.replies["example.test"] = reply
            return await resolver.ask(path, "example.test")

    return asyncio.run(asked() if reply is not None else resolver.ask(path, "example.test"))


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine may hold an answer up for seconds, and here one is awaited that comes."""
    monkeypatch.setattr(resolver, "_PATIENCE", DEADLINE)


@pytest.mark.parametrize("reply", [records(MX, b"\0\x0a\1a\0"), NODATA, NXDOMAIN])
def test_a_resolver_that_answers_holds_whatever_the_answer_is(tmp_path: Path, reply: Reply) -> None:
    found = link(tmp_path / "socket", reply)
    assert found.holds is True
    assert found.evidence.startswith(f"answers ({tmp_path.name}, ")


MISSING: Reply = {"error": "org.varlink.service.MethodNotFound", "parameters": {}}


@pytest.mark.parametrize(
    ("reply", "evidence", "look"),
    [
        (None, "no resolver at", "systemctl enable --now"),
        (MISSING, "is older than systemd 256", "pyinfra inventory.py deploy.py, which brings"),
        (SERVFAIL, "DNSError 2 for example.test", "resolvectl query -t MX example.test"),
        (SILENT, "no answer for example.test in 0.2 s", "resolvectl status"),
    ],
)
def test_what_is_in_the_way_is_said_with_its_fix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reply: Reply | None, evidence: str, look: str
) -> None:
    if reply is SILENT:
        monkeypatch.setattr(resolver, "_PATIENCE", 0.2)
    found = link(tmp_path / "socket", reply)
    assert (found.holds, found.is_broken) == (None, False)
    assert evidence in found.evidence
    assert look in found.look


def test_the_fix_is_for_the_resolver_that_the_host_has(tmp_path: Path) -> None:
    own = asyncio.run(resolver.ask(tmp_path / "letterbox-resolver" / "io.systemd.Resolve", "example.test"))
    assert own.look == "pyinfra inventory.py deploy.py; journalctl -u letterbox-resolver -n 20"


def test_messages_with_any_temperror_are_counted() -> None:
    lines = [
        RECEIVED % (b"pass", b"pass", b"pass"),
        RECEIVED % (b"none", b"temperror", b"temperror"),
        RECEIVED % (b"temperror", b"pass", b"pass"),
        b"event=received id=2 from=a@b.example tls=no\n",  # from before there were checks
        b"event=refused id=3 dmarc=temperror\n",
        b'event=received id=4 helo="x dmarc=temperror y" dkim=none spf=none dmarc=none\n',
        b"event=received id=5 from=<doctor@letterbox.invalid> to=<a@b.example> dkim=none spf=temperror\n",
        b"\xff\0\n",
    ]
    assert counted(lines) == (4, 2)


@pytest.mark.parametrize(
    ("checked", "undecided", "holds"),
    [(0, 0, True), (100, 5, True), (100, 6, None), (4, 4, True), (5, 5, None)],
)
def test_more_than_one_in_twenty_is_too_many_but_a_few_are_not(
    checked: int, undecided: int, holds: bool | None
) -> None:
    found = judged(checked, undecided)
    assert found.holds is holds
    assert ("temperror" in found.evidence) is bool(checked)


@pytest.mark.parametrize("script", [None, "exit 1"])
def test_a_journal_that_cannot_be_read_is_not_taken_for_a_quiet_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str | None
) -> None:
    if script:
        (tmp_path / "journalctl").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "journalctl").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path) if script is None else f"{tmp_path}:/bin:/usr/bin")
    found = resolver.check_undecided()
    assert found.holds is None
    assert "the journal cannot be read" in found.evidence
