"""What the receiver notes at its first start with a bucket: whether this host has mail from before."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.receiver.bucket.path import table
from tests.receiver.server import Server

Start = Callable[..., Server]


def deliver(server: Server) -> None:
    with server.client() as client:
        client.begin("alice@example.test")
        client.ask("Subject: hello\r\n\r\nHello\r\n.", 250)


@pytest.mark.parametrize("promise", ["disk", "bucket"])
@pytest.mark.parametrize("workers", [1, 2])
def test_an_empty_host_notes_that_before_its_first_message(
    tmp_path: Path, serve: Start, promise: str, workers: int
) -> None:
    """A message that came before the note would leave the host without one until somebody pushes."""
    mail = serve(hooks=table(tmp_path / "nobody.socket", promise), workers=workers).mail
    said = json.loads((mail / ".bucket" / "pushed").read_text())
    assert said["files"] == 0


def test_mail_from_before_the_bucket_is_not_said_to_be_there(tmp_path: Path, serve: Start) -> None:
    """The message may still lie in the log of the receiver that had no bucket, as after a kill."""
    first = serve()
    deliver(first)
    first.kill()
    serve(hooks=table(tmp_path / "nobody.socket", "disk"), mail=first.mail)
    assert not (first.mail / ".bucket" / "pushed").exists()


def test_a_host_without_a_bucket_notes_nothing(serve: Start) -> None:
    assert not (serve().mail / ".bucket").exists()
