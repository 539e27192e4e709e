"""The loads whose senders are checked: prepared messages, what receivers find, and the slow name server."""

from __future__ import annotations

import base64
import dataclasses
import ipaddress
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from dns.message import make_query
from dns.query import udp

from benchmarks.mail import load as loading
from benchmarks.mail.arguments import parse
from benchmarks.mail.checks.distant import distant
from benchmarks.mail.checks.network import own_network
from benchmarks.mail.checks.results import results, shortfall
from benchmarks.mail.checks.senders import SELECTOR, SERVER, Sender, name_server, senders
from benchmarks.mail.checks.signing import Prepared, prepare
from benchmarks.mail.errors import Broken
from benchmarks.mail.load import Load, inspect, run
from benchmarks.mail.loads import wanted
from benchmarks.mail.receivers import CHECKED, Receiver, fetch, ours, peer
from tests.dns.loopback import real_nameservers
from tests.receiver.processes import DEADLINE

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="a network of its own needs root")
needs_nsd = pytest.mark.skipif(not real_nameservers.is_installed("nsd"), reason="NSD is not installed")
needs_mmdebstrap = pytest.mark.skipif(not shutil.which("mmdebstrap"), reason="mmdebstrap is not installed")

FOUND = b"""Return-Path: <a@b.example>
Authentication-Results: mx.example.test;
\tdkim=pass (2048 bits; dkim=fail) header.d=b.example;
\tspf=pass smtp.mailfrom=a@b.example; dmarc=%s (p=none) header.from=b.example
Authentication-Results: other.example; dkim=fail
Subject: Authentication-Results: mx.example.test; spf=fail
"""


@pytest.fixture(scope="module")
def two() -> list[Sender]:
    return senders(2)


@pytest.fixture
def network() -> Iterator[None]:
    with own_network():
        yield


def from_loopback(folder: Path, two: list[Sender], number: int) -> Prepared:
    prepared = prepare(folder, two, number, 10_240, signed=True)
    return dataclasses.replace(prepared, address="127.0.0.1")


def test_each_prepared_message_arrives_once_from_its_sender(tmp_path: Path, two: list[Sender]) -> None:
    load = Load("few", 3, 12, 10_240, checked=True, prepared=from_loopback(tmp_path, two, 12))
    with ours(tmp_path / "mail", tmp_path / "ours") as receiver:
        assert run(receiver, load).late == 0
        stored = [each.read_bytes() for each in receiver.new.iterdir()]
    paths = [re.findall(rb"^Return-Path: <(.*)>", each)[0].decode() for each in stored]
    assert sorted(set(paths)) == [each.mailbox for each in two] and paths.count(two[0].mailbox) == 6
    from_each = {re.findall(rb"\nReceived: from load.test \(\[(.*)\]\)", each)[0] for each in stored}
    assert from_each == {b"127.0.0.1", b"127.0.0.2", b"127.0.0.3"}
    assert len({re.findall(rb"\tb=(\S+)", each)[0] for each in stored}) == 12


def test_more_messages_than_are_prepared_end_the_load(tmp_path: Path, two: list[Sender]) -> None:
    load = Load("few", 1, 3, 10_240, prepared=from_loopback(tmp_path, two, 2))
    with (
        ours(tmp_path / "mail", tmp_path / "ours") as receiver,
        pytest.raises(Broken, match="fewer prepared messages"),
    ):
        run(receiver, load, warm_up=False)


@pytest.mark.parametrize(
    ("dmarc", "missing"), [(b"pass", ""), (b"temperror", "dmarc=temperror")], ids=["all", "one less"]
)
def test_only_the_results_of_the_receiver_itself_are_read(dmarc: bytes, missing: str) -> None:
    head = FOUND % dmarc
    assert results(head, "mx.example.test") == {"dkim": "pass", "spf": "pass", "dmarc": dmarc.decode()}
    assert shortfall(head, "mx.example.test", signed=True) == missing
    assert shortfall(head, "nobody.example", signed=False) == "spf=absent, dmarc=absent"


def test_a_checked_message_that_does_not_pass_makes_the_run_invalid(tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(FOUND % b"fail" + b"Message-ID: <1>\n\nHello\n")
    load = Load("one", 1, 1, 5, checked=True, signed=True)
    inspect(Receiver("Some", 0, 0, tmp_path), load)
    with pytest.raises(Broken, match="Some, one: dmarc=fail in one"):
        inspect(Receiver("Some", 0, 0, tmp_path, checks="mx.example.test"), load)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--peers", "postfix-checked"], "postfix-checked needs --checks"),
        (["--load", "20, signed"], "'20, signed' is a load of --checks"),
        (["--checks", "--load", "20 sessions"], "'20 sessions' is not a load of --checks"),
    ],
)
def test_loads_and_peers_fit_together(
    capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(arguments, None)
    assert ended.value.code == 2 and said in capsys.readouterr().err


def test_checks_have_their_own_peer_and_loads() -> None:
    arguments = parse(["--checks"], None)
    assert arguments.peers == [CHECKED]
    assert {each.checked for each in wanted(arguments)} == {True}


@needs_root
@needs_nsd
def test_the_name_server_has_a_key_and_a_reverse_name_for_each_sender(
    network: None, two: list[Sender]
) -> None:
    def told(name: str, kind: str) -> str:
        (answer,) = udp(make_query(name, kind), SERVER, timeout=DEADLINE).answer
        return answer[0].to_text().replace('" "', "").strip('"')

    key = two[1].key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    with name_server(two):
        published = f"v=DKIM1; k=rsa; p={base64.b64encode(key).decode()}"
        assert told(f"{SELECTOR}._domainkey.{two[1].domain}", "TXT") == published
        name = told(ipaddress.ip_address(two[1].address).reverse_pointer, "PTR")
        assert told(name, "A") == two[1].address


@needs_root
@needs_nsd
def test_the_distant_name_server_takes_so_much_longer(network: None, two: list[Sender]) -> None:
    with name_server(two) as server, distant(server, 200) as far:
        began = time.monotonic()
        assert udp(make_query(two[0].domain, "TXT"), far, timeout=DEADLINE).answer
        assert time.monotonic() - began >= 0.2


@needs_root
@needs_nsd
@needs_mmdebstrap
def test_postfix_with_its_checks_passes_each_message(
    tmp_path: Path, two: list[Sender], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "SETTLE", DEADLINE)  # Postfix delivers after the 250.
    prepared = prepare(tmp_path, two, 6, 10_240, signed=True)
    load = Load("few", 2, 6, 10_240, checked=True, signed=True, prepared=prepared)
    fetch(CHECKED)
    with (
        tempfile.TemporaryDirectory() as folder,
        own_network(),
        name_server(two),
        peer(CHECKED, Path(folder) / "store") as receiver,
    ):
        Path(folder).chmod(0o755)
        assert run(receiver, load).late == 0
        assert receiver.checks
