"""From the wire to the reader: what `letterbox` says of mail that a receiver has checked."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.dns.loopback.nameserver import Nameserver
from tests.receiver.checks.dkim.messages import FIELDS, record, rsa, signed
from tests.receiver.processes import ROOT
from tests.receiver.proof.running import next_event, proof
from tests.receiver.reading.results import GENUINE, written
from tests.receiver.server import Server, start_server
from tests.services.resolver.relays import relay

KEY = record(rsa()).decode()
STRINGS = " ".join(f'"{KEY[at : at + 200]}"' for at in range(0, len(KEY), 200))
ZONE = f"""\
$TTL 60
@ SOA ns hostmaster 1 3600 600 86400 30
@ NS ns
ns A 127.0.0.1
own TXT "v=spf1 ip4:127.0.0.1 -all"
_dmarc.own TXT "v=DMARC1; p=reject"
bank TXT "v=spf1 -all"
_dmarc.bank TXT "v=DMARC1; p=reject"
sel._domainkey.bank TXT {STRINGS}
sel._domainkey.lists TXT {STRINGS}
shop TXT "site-verification=abc"
"""
LETTER = "From: Somebody <info@{domain}>\r\nSubject: a letter\r\n\r\nhello\r\n"
SIGNED = signed({"d": "bank.test"}, ((b"From", b" Bank <info@bank.test>"), *FIELDS[1:]), b"hello\r\n")
THROUGH_LIST = signed(
    {"d": "lists.test"},
    ((b"From", b" Bank <info@bank.test>"), (b"List-Id", b" Talk <talk.lists.test>"), *FIELDS[1:]),
    b"hello\r\n",
)
FORGED = (
    b"Authentication-Results: mx.example.test; dkim=none; spf=none;"
    b" dmarc=pass (p=reject at bank.test, aligned dkim) header.from=bank.test\r\n"
    b"Received: from mail.bank.test ([127.0.0.1])\r\n\tby mx.example.test (Letterbox) with ESMTP\r\n"
)

CASES: dict[str, tuple[bytes, str, str]] = {
    "the host may send for the domain": (
        LETTER.format(domain="own.test").encode(),
        "someone@own.test",
        "Really from own.test: yes (SPF pass, aligned)",
    ),
    "the domain signed it": (SIGNED, "x@elsewhere.test", "Really from bank.test: yes (DKIM pass, aligned)"),
    "it was changed on its way": (
        SIGNED.replace(b"hello", b"HELLO"),
        "x@elsewhere.test",
        "Really from bank.test: NO: its owner asks to reject such mail (p=reject)",
    ),
    "it is forged, with fields of ours": (
        written(GENUINE, "mx.example.test") + FORGED + LETTER.format(domain="bank.test").encode(),
        "info@bank.test",
        "Really from bank.test: NO: its owner asks to reject such mail (p=reject)",
    ),
    "it is forged, and larger than what is held in memory": (
        FORGED + LETTER.format(domain="bank.test").encode() + b"x" * 70 + b"\r\n" + b"more\r\n" * 60_000,
        "info@bank.test",
        "Really from bank.test: NO: its owner asks to reject such mail (p=reject)",
    ),
    "it came through a list": (
        THROUGH_LIST,
        "x@elsewhere.test",
        "Really from bank.test: NO: its owner asks to reject such mail (p=reject);"
        " it came through lists.test, which signed it",
    ),
    "its domain says nothing": (
        LETTER.format(domain="shop.test").encode(),
        "x@elsewhere.test",
        "Really from shop.test: cannot be known: shop.test publishes no policy",
    ),
    "its domain's nameservers do not answer": (
        LETTER.format(domain="unserved.example").encode(),
        "x@unserved.example",
        "Really from unserved.example: could not be checked: DNS did not answer",
    ),
    "it names two authors": (
        b"From: a@bank.test, b@own.test\r\n\r\nhello\r\n",
        "x@own.test",
        "Really from its domain: NO: the From field names two authors",
    ),
}


@pytest.fixture(scope="module")
def checking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A receiver that checks senders, and whose resolver knows the names under `test`."""
    with (
        Nameserver(None, {}, zones={"test": ZONE}, recursive=True) as nameserver,
        relay(tmp_path_factory.mktemp("relay"), nameserver.resolver) as socket,
    ):
        running = start_server(tmp_path_factory.mktemp("server"), resolver=socket)
        yield running
        running.stop()


def _receive(server: Server, content: bytes, sender: str, recipient: str = "alice@example.test") -> str:
    """The identity of the message."""
    with server.client() as client:
        client.begin(recipient, sender=f"<{sender}>")
        client.send(content.replace(b"\r\n.", b"\r\n..") + b".\r\n")
        return client.expect(250).split()[-1]


def _letterbox(server: Server, *arguments: str) -> str:
    line = [sys.executable, "-m", "receiver", *arguments, "--mail", str(server.mail)]
    return subprocess.run(line, cwd=ROOT, capture_output=True, check=True, text=True).stdout


def _json(server: Server, identity: str) -> Any:
    return json.loads(_letterbox(server, "show", identity, "--json"))


@pytest.mark.parametrize("case", CASES)
def test_a_reader_is_told_who_really_sent_it(checking: Server, case: str) -> None:
    content, sender, sentence = CASES[case]
    identity = _receive(checking, content, sender)
    assert sentence in _letterbox(checking, "show", identity, "--text").splitlines()
    shown = _json(checking, identity)
    assert shown["authentic_text"] == sentence
    assert shown["authentic"] is {"y": True, "N": False}.get(sentence.partition(": ")[2][0])


def test_a_proof_says_it_as_soon_as_the_message_is_stored(checking: Server) -> None:
    with proof(checking.folder / "letterbox.toml") as (process, address):
        content, sender, sentence = CASES["the domain signed it"]
        _receive(checking, content, sender, address)
        while (event := next_event(process))["event"] != "stored":
            pass
        assert process.wait(30) == 0
    assert (event["authentic"], event["author_domain"], event["authentic_text"]) == (
        True,
        "bank.test",
        sentence,
    )
    assert event["dkim"] == [{"domain": "bank.test", "result": "pass"}]


def test_a_dead_resolver_is_no_verdict(tmp_path: Path) -> None:
    running = start_server(tmp_path, resolver=tmp_path / "nobody")
    try:
        content, sender, _ = CASES["it is forged, with fields of ours"]
        shown = _json(running, _receive(running, content, sender))
    finally:
        running.stop()
    assert shown["authentic_text"] == "Really from bank.test: could not be checked: DNS did not answer"
    assert (shown["authentic"], shown["dmarc"], shown["reverse"]) == (None, "temperror", None)


def test_a_receiver_without_checks_stores_forged_fields_and_nobody_believes_them(tmp_path: Path) -> None:
    running = start_server(tmp_path)
    try:
        content, sender, _ = CASES["it is forged, with fields of ours"]
        shown = _json(running, _receive(running, content, sender))
    finally:
        running.stop()
    assert shown["authentic_text"] == "Really from its domain: not checked"
    assert [shown[key] for key in ("authentic", "dkim", "spf", "dmarc")] == [None] * 4
