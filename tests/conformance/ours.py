"""Our receiver on loopback, set up as the dialogues expect a receiver to be."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from tests.conformance.play import ADDRESSES, Server
from tests.receiver.certificates import make_certificate
from tests.receiver.processes import DEADLINE
from tests.receiver.server import LONG, start_server


@contextlib.contextmanager
def running(
    folder: Path, resolver: Path | None = None, patience: float = DEADLINE, deadline: int = LONG
) -> Iterator[Server]:
    """Run `letterbox serve` with TLS and its default limits, except those on connections from one address.

    With `resolver`, the path of a socket, the senders are checked, for `deadline` seconds at most. `patience`
    is the longest that a reply may take, in seconds.
    """
    server = start_server(
        folder,
        certificate=make_certificate(folder, "mx.example.test"),
        limits={"connections_per_address": 500},
        resolver=resolver,
        deadline=deadline,
    )
    try:
        mailbox = server.mail / "example.test" / "alice"
        yield Server("127.0.0.1", server.port, ADDRESSES, mailbox, patience)
        log = server.log_to_the_end()
        assert "event=error" not in log, log
    finally:
        server.stop()
