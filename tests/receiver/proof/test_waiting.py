"""`letterbox proof` waits for a message to its address, and tells what it sees."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from receiver.proof import command
from tests.receiver.processes import ROOT
from tests.receiver.proof.running import MESSAGE, listed, next_event, proof, reply_to, send
from tests.receiver.server import Server


def test_a_message_to_the_address_is_the_proof(server: Server, config: Path) -> None:
    with proof(config) as (process, address):
        local, _, domain = address.partition("@")
        assert (local[:6], domain) == ("proof-", "example.test")
        assert send(server, address.replace("proof", "PROOF")).startswith("250 2.0.0 Stored")
        assert next_event(process)["event"] == "recipient"
        shown = next_event(process)
        assert process.wait(30) == 0
    stored = Path(shown["path"]).read_bytes()
    assert shown["sha256"] == hashlib.sha256(stored).hexdigest()
    assert stored.endswith(MESSAGE.encode())
    assert (shown["event"], shown["peer"], shown["tls"]) == ("stored", "127.0.0.1", "TLSv1.3")
    assert (shown["from"], shown["subject"]) == ("Zoë <zoe@sender.test>", "first")
    assert shown["text"] == "hello \x1b[2J\n"
    assert shown["seconds"] > 0
    assert reply_to(server, address).startswith("550 5.1.1")
    assert b"proof" not in listed(config)


@pytest.mark.parametrize("timeout", ["nan", "-5", "soon"])
def test_a_time_that_is_none_is_wrong_usage(timeout: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command.main(["--timeout", timeout])
    assert ended.value.code == 2
    assert f"{timeout!r} is not a number of seconds" in capsys.readouterr().err


def test_no_message_in_time_is_exit_code_1(server: Server, config: Path) -> None:
    with proof(config, "--timeout", "0.3", "--no-doctor") as (process, address):
        assert next_event(process)["event"] == "late"
        assert process.wait(30) == 1
        assert reply_to(server, address).startswith("550 5.1.1")


def test_two_can_wait_at_once_and_one_message_serves_both(server: Server, config: Path) -> None:
    with proof(config) as (one, first), proof(config) as (two, second), server.client() as client:
        client.begin(first, second)
        client.send(MESSAGE.encode() + b".\r\n")
        client.expect(250)
        assert one.wait(30) == two.wait(30) == 0


def test_a_refused_message_is_reported_and_the_wait_goes_on(server: Server, config: Path) -> None:
    with proof(config) as (process, address):
        with server.client() as client:
            client.begin(address)
            client.send(b"bare\nlinefeed\r\n.\r\n")
            client.expect(554)
        assert [next_event(process)["event"], next_event(process)["event"]] == ["recipient", "refused"]
        send(server, address)
        assert process.wait(30) == 0


def test_an_unserved_domain_is_answered_with_the_served_ones(config: Path) -> None:
    command = [sys.executable, "-m", "receiver", "proof", "--config", str(config), "--domain", "example.org"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "example.test" in done.stderr
    assert len(done.stderr.splitlines()) == 1
