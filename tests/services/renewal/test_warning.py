"""Below one sixth of a certificate's life, postmaster gets one mail a day through the receiver itself."""

from __future__ import annotations

import email
import json
from collections.abc import Iterator
from datetime import timedelta
from email.message import Message
from pathlib import Path

import pytest

from tests.receiver.server import Server, start_server
from tests.services.renewal import keys
from tests.services.renewal.world import NAME, World

DAY = timedelta(days=1)
POSTMASTER = "alice@example.test"  # the first mailbox of the first domain gets the mail of postmaster


@pytest.fixture
def receiver(world: World, tmp_path: Path) -> Iterator[Server]:
    """The receiver that runs on the same host, with an authority that is down."""
    (tmp_path / "receiver").mkdir()
    server = start_server(tmp_path / "receiver")
    world.smtp = f"127.0.0.1:{server.port}"
    world.pebble.stop()
    yield server
    server.stop()


def expiring(world: World, left: timedelta) -> None:
    """Put a certificate of 90 days there that has this much left."""
    signer = keys.make_key()
    world.install(keys.certificate(world.key, signer=signer, left=left) + keys.authority(signer))


def mails(server: Server) -> list[Message]:
    return [email.message_from_bytes(each) for each in server.messages(POSTMASTER)]


def test_postmaster_is_told_once_a_day_why_the_certificate_was_not_renewed(
    world: World, receiver: Server
) -> None:
    expiring(world, 14 * DAY)
    for _ in range(3):
        assert world.renew().code == 1
    (mail,) = mails(receiver)
    assert mail["Subject"] == f"The certificate of {NAME} is valid for 13 more days"
    assert mail["Return-Path"] == "<>", "nothing is ever sent back to us"
    assert mail["Auto-Submitted"] == "auto-generated"
    text = mail.get_payload(decode=True).decode()  # type: ignore[union-attr]
    assert "The last run said: the CA (https://127.0.0.1:" in text
    assert "cannot be reached (Connection refused)" in text
    kept = world.kept()
    (world.state / "state.json").write_text(json.dumps(kept | {"warned": "2026-01-01"}))
    assert world.renew().code == 1
    assert len(mails(receiver)) == 2, "on another day"


def test_nobody_is_told_while_more_than_a_sixth_of_life_is_left(world: World, receiver: Server) -> None:
    expiring(world, 16 * DAY)
    assert world.renew().code == 1
    assert mails(receiver) == []


def test_an_expired_certificate_is_told_too(world: World, receiver: Server) -> None:
    expiring(world, -DAY)
    assert world.renew().code == 1
    assert [each["Subject"] for each in mails(receiver)] == [f"The certificate of {NAME} is valid no longer"]


def test_a_host_without_a_token_only_warns(world: World, receiver: Server) -> None:
    expiring(world, 10 * DAY)
    asked = len(world.cloudflare.requests)
    run = world.renew("--warn", "--zone", "", "--token", "/nonexistent")
    assert (run.code, run.error) == (0, "")
    assert run.out.endswith("this host renews nothing itself\n")
    assert len(mails(receiver)) == 1
    assert len(world.cloudflare.requests) == asked
    world.path.unlink()
    assert "there is no certificate at" in world.renew("--warn").error


def test_a_renewed_certificate_ends_the_warnings(world: World, receiver: Server) -> None:
    expiring(world, 10 * DAY)
    world.pebble.start()
    assert world.renew().code == 0
    assert mails(receiver) == []


def test_a_receiver_that_is_down_is_noted_and_tried_again(world: World) -> None:
    expiring(world, 10 * DAY)
    world.pebble.stop()
    run = world.renew()
    assert (run.code, "postmaster could not be told through 127.0.0.1:9" in run.error) == (1, True)
    assert world.kept()["warned"] == ""
    assert world.renew("--warn").code == 1, "who could not be told is no success"
