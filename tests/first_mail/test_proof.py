"""`python -m first_mail.proof` on a deployed host: mail from a stranger proves it, and the address ends."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.deploys import ROOT, greeting_whoever_comes
from tests.lab.lab import Lab
from tests.lab.machines.machine import DEADLINE
from tests.waiting import wait_until

RCPT = """
import smtplib, sys
with smtplib.SMTP("127.0.0.1", 25, timeout=60) as s:
    s.ehlo("test.invalid"); s.mail("x@sender.test"); print(s.rcpt(sys.argv[1])[0])
"""


@contextmanager
def proof(lab: Lab, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    command = [sys.executable, "-m", "first_mail.proof", str(lab.inventory), "--json", *arguments]
    with subprocess.Popen(command, cwd=ROOT, text=True, stdout=subprocess.PIPE) as process:
        try:
            yield process, _next(process)["address"]
        finally:
            process.kill()


def _next(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    return json.loads(process.stdout.readline())


def _rcpt(lab: Lab, address: str) -> str:
    return lab.target.run(["python3", "-c", RCPT, address]).stdout.strip()


def test_mail_from_a_stranger_is_the_proof(deployed: Lab) -> None:
    with proof(deployed, "--timeout", str(DEADLINE)) as (process, address):
        deployed.world.send(
            b"From: =?utf-8?q?Zo=C3=AB?= <zoe@sender.test>\r\nSubject: first\r\n\r\nhi\r\n", [address]
        )
        assert _next(process)["event"] == "recipient"
        evidence = _next(process)
        assert process.wait(DEADLINE) == 0
    assert (evidence["from"], evidence["subject"]) == ("Zoë <zoe@sender.test>", "first")
    assert evidence["text"] == "hi\n"
    assert evidence["tls"] == "TLSv1.3"
    assert evidence["host"] == "mx1.example.test"
    assert evidence["reverse_name"] is None or evidence["reverse_name"].endswith("sender.test")
    stored = deployed.target.read(evidence["path"])
    assert evidence["sha256"] == hashlib.sha256(stored).hexdigest()
    assert _rcpt(deployed, address) == "550"


def test_a_host_that_greets_whoever_comes_is_proved_too(deployed: Lab) -> None:
    with greeting_whoever_comes(deployed), proof(deployed, "--timeout", str(DEADLINE)) as (process, address):
        deployed.world.send(b"Subject: first\r\n\r\nhi\r\n", [address])
        assert _next(process)["event"] == "recipient"
        assert process.wait(DEADLINE) == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_the_address_ends_with_the_program_however_it_ends(deployed: Lab, number: int) -> None:
    with proof(deployed) as (process, address):
        assert _rcpt(deployed, address) == "250"
        process.send_signal(number)
        process.wait(DEADLINE)
        wait_until(lambda: _rcpt(deployed, address) == "550", "the address is gone")
    waiting = deployed.target.run("ls /run/letterbox-proofs").stdout
    assert waiting == ""


def test_when_no_mail_comes_in_time_the_doctor_looks_why(
    deployed: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in deployed.environment.items():
        monkeypatch.setenv(name, value)
    deployed.target.run("systemctl stop letterbox.socket letterbox.service")
    try:
        with proof(deployed, "--timeout", "0.5") as (process, address):
            assert _next(process)["event"] == "late"
            assert process.stdout is not None
            links = [json.loads(line) for line in process.stdout]
            assert process.wait(DEADLINE) == 1
    finally:
        deployed.target.run("systemctl start letterbox.socket letterbox.service")
    assert (links[-1]["link"], links[-1]["holds"]) == ("socket", False)
    assert _rcpt(deployed, address) == "550"


def test_a_host_that_cannot_be_reached_is_one_line(deployed: Lab, tmp_path: Path) -> None:
    other = tmp_path / "inventory.py"
    other.write_text(deployed.inventory.read_text().replace(deployed.target.ipv4, "127.0.0.1"))
    other.write_text(other.read_text().replace('"ssh_user"', '"ssh_port": 9, "ssh_user"'))
    command = [sys.executable, "-m", "first_mail.proof", str(other)]
    environment = {**os.environ, **deployed.environment}
    text = other.read_text().replace(f'"ssh_config_file": "{deployed.ssh_config}",', "")
    other.write_text(text)
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "cannot be reached over ssh" in done.stderr
    assert len(done.stderr.splitlines()) == 1
