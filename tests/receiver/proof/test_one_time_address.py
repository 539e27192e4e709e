"""The one-time address of `letterbox proof` exists while the command waits, and no longer."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.receiver.processes import wait_until
from tests.receiver.proof.running import proof, reply_to
from tests.receiver.server import Server


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_the_address_ends_with_the_command_however_it_ends(server: Server, config: Path, number: int) -> None:
    with proof(config) as (process, address):
        assert reply_to(server, address).startswith("250")
        process.send_signal(number)
        process.wait(30)
        # A process that is killed takes its child along, a moment later.
        wait_until(lambda: reply_to(server, address).startswith("550 5.1.1"), "the address has ended")


def test_the_address_ends_when_standard_input_ends(server: Server, config: Path) -> None:
    with proof(config, "--while-stdin") as (process, address):
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(30) == 130
        assert reply_to(server, address).startswith("550 5.1.1")


def test_the_next_proof_clears_away_what_a_killed_one_left(server: Server, config: Path) -> None:
    with proof(config) as (process, killed):
        process.kill()
        process.wait(30)
        # Its child, which holds the socket, too, ends a moment later.
        wait_until(lambda: reply_to(server, killed).startswith("550 5.1.1"), "the address has ended")
    with proof(config) as (_, address):
        assert len(list((server.folder / "proofs").iterdir())) == 1
        assert reply_to(server, address).startswith("250")


@pytest.mark.parametrize(
    "local",
    ["proof-", "proof-aaaaaaaaaaaaaaaa", "proof-../../etc/passwd", '"proof-/../x"', ".proof", "proof-%00"],
)
def test_an_address_that_nobody_made_is_unknown(server: Server, local: str) -> None:
    assert reply_to(server, f"{local}@example.test").startswith(("550 5.1.1", "501"))
