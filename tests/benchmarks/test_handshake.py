"""The benchmark of session tickets measures what it says."""

from __future__ import annotations

from pathlib import Path

from benchmarks.handshake import client, handshake, server
from tests.receiver.certificates import make_certificate


def test_a_server_gives_as_many_tickets_as_it_is_told_and_takes_them_back(tmp_path: Path) -> None:
    make_certificate(tmp_path, "mx.example.test")
    theirs = client()
    seconds, first = handshake(server(tmp_path, 0), theirs)
    assert seconds > 0 and not (first.session and first.session.has_ticket)
    ours = server(tmp_path, 2)
    _, second = handshake(ours, theirs)
    assert second.session is not None and second.session.has_ticket
    _, third = handshake(ours, theirs, second.session)
    assert third.session_reused
