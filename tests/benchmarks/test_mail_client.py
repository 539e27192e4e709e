"""Our own load generator, compiled, against a real receiver."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.mail import client
from benchmarks.mail.load import Load, inspect, run
from benchmarks.mail.receivers import Receiver, ours
from tests.receiver.processes import DEADLINE, wait_until


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Receiver]:
    with ours(tmp_path / "mail", tmp_path / "ours") as running:
        yield running


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize(("kept", "octets"), [(True, 10_240), (False, 10_240), (False, 1 << 20)])
def test_each_message_arrives_once_and_whole(receiver: Receiver, tls: bool, kept: bool, octets: int) -> None:
    load = Load("few", 5, 12, octets, kept=kept, tls=tls, own_client=True)
    assert run(receiver, load).late == 0
    inspect(receiver, load)


def test_each_connection_of_a_load_over_tls_does_a_full_handshake(receiver: Receiver, tmp_path: Path) -> None:
    run(receiver, Load("few", 2, 6, 10_240, kept=False, tls=True))
    log = tmp_path / "ours" / "log"
    wait_until(lambda: log.read_text().count("event=received") == 6, "six messages are in the log")
    assert log.read_text().count("tls=TLSv1.3") == 6


def test_a_reply_that_is_not_expected_ends_it(receiver: Receiver) -> None:
    command = [
        each.replace("alice@", "nobody@")
        for each in client.command(receiver.port, sessions=1, messages=1, octets=10)
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "unexpected reply: 550" in done.stderr


def test_a_port_where_nobody_listens_ends_it() -> None:
    done = subprocess.run(
        client.command(9, sessions=1, messages=1, octets=10), capture_output=True, check=False
    )
    assert done.returncode == 1


def test_it_holds_idle_connections_until_its_input_ends(receiver: Receiver) -> None:
    with subprocess.Popen(
        client.holding(receiver.port, 30), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdin is not None and holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        assert holder.poll() is None
        holder.stdin.close()
        assert holder.wait(DEADLINE) == 0
