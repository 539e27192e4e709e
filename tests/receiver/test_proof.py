"""`letterbox proof` with a real receiver: the address exists while it waits, and no longer."""

from __future__ import annotations

import hashlib
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.receiver.wire import ROOT, Server, environment, wait_until


@pytest.fixture
def config(server: Server) -> Path:
    server.mail.mkdir(exist_ok=True)
    return server.folder / "letterbox.toml"


@contextmanager
def proof(config: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A waiting `letterbox proof --json`, and its address."""
    command = [sys.executable, "-m", "receiver", "proof", "--config", str(config), "--json", *arguments]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        try:
            yield process, _next(process)["address"]
        finally:
            process.kill()


def _next(process: subprocess.Popen[bytes]) -> Any:
    assert process.stdout is not None
    return json.loads(process.stdout.readline())


def _answer(server: Server, address: str) -> str:
    """What the receiver says to the recipient."""
    with server.client() as client:
        client.ask("MAIL FROM:<zoe@sender.test>", 250)
        client.say(f"RCPT TO:<{address}>")
        return client.reply()


MESSAGE = "From: =?utf-8?Q?Zo=C3=AB?= <zoe@sender.test>\r\nSubject: first\r\n\r\nhello \x1b[2J\r\n"


def _send(server: Server, address: str) -> str:
    with server.client() as client:
        client.starttls()
        client.ask("EHLO client.test", 250)
        client.begin(address)
        client.send(MESSAGE.encode() + b".\r\n")
        return client.reply()


def test_a_message_to_the_address_is_the_proof(server, config):
    with proof(config) as (process, address):
        local, _, domain = address.partition("@")
        assert (local[:6], domain) == ("proof-", "example.test")
        assert _send(server, address.replace("proof", "PROOF")).startswith("250 2.0.0 Stored")
        assert _next(process)["event"] == "recipient"
        shown = _next(process)
        assert process.wait(30) == 0
    stored = Path(shown["path"]).read_bytes()
    assert shown["sha256"] == hashlib.sha256(stored).hexdigest()
    assert stored.endswith(MESSAGE.encode())
    assert (shown["event"], shown["peer"], shown["tls"]) == ("stored", "127.0.0.1", "TLSv1.3")
    assert (shown["from"], shown["subject"]) == ("Zoë <zoe@sender.test>", "first")
    assert shown["text"] == "hello \x1b[2J\n"
    assert shown["seconds"] > 0
    assert _answer(server, address).startswith("550 5.1.1")
    assert b"proof" not in _list(config)


def _list(config: Path) -> bytes:
    command = [sys.executable, "-m", "receiver", "list", "--config", str(config)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_the_address_ends_with_the_command_however_it_ends(server, config, number):
    with proof(config) as (process, address):
        assert _answer(server, address).startswith("250")
        process.send_signal(number)
        process.wait(30)
        # A process that is killed takes its child along, a moment later.
        wait_until(lambda: _answer(server, address).startswith("550 5.1.1"), "the address has ended")


def test_the_address_ends_when_whoever_watches_goes_away(server, config):
    with proof(config, "--while-stdin") as (process, address):
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(30) == 130
        assert _answer(server, address).startswith("550 5.1.1")


def test_the_next_proof_clears_away_what_a_killed_one_left(server, config):
    with proof(config) as (process, _):
        process.kill()
        process.wait(30)
    with proof(config) as (_, address):
        assert len(list((server.folder / "proofs").iterdir())) == 1
        assert _answer(server, address).startswith("250")


def test_no_message_in_time_is_exit_code_1(server, config):
    with proof(config, "--timeout", "0.3", "--no-doctor") as (process, address):
        assert _next(process)["event"] == "late"
        assert process.wait(30) == 1
        assert _answer(server, address).startswith("550 5.1.1")


def test_two_can_wait_at_once_and_one_message_serves_both(server, config):
    with proof(config) as (one, first), proof(config) as (two, second), server.client() as client:
        client.begin(first, second)
        client.send(MESSAGE.encode() + b".\r\n")
        client.expect(250)
        assert one.wait(30) == two.wait(30) == 0


@pytest.mark.parametrize(
    "local",
    ["proof-", "proof-aaaaaaaaaaaaaaaa", "proof-../../etc/passwd", '"proof-/../x"', ".proof", "proof-%00"],
)
def test_an_address_that_nobody_made_is_unknown(server, local):
    assert _answer(server, f"{local}@example.test").startswith(("550 5.1.1", "501"))


def test_a_message_that_is_refused_is_told_and_waited_past(server, config):
    with proof(config) as (process, address):
        with server.client() as client:
            client.begin(address)
            client.send(b"bare\nlinefeed\r\n.\r\n")
            client.expect(554)
        assert [_next(process)["event"], _next(process)["event"]] == ["recipient", "refused"]
        _send(server, address)
        assert process.wait(30) == 0


def test_a_domain_that_is_not_served_is_named_with_those_that_are(config):
    command = [sys.executable, "-m", "receiver", "proof", "--config", str(config), "--domain", "example.org"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "example.test" in done.stderr
    assert len(done.stderr.splitlines()) == 1
