"""250 means on disk: the receiver is killed at a random moment under load, again and again.

LETTERBOX_KILL_ROUNDS sets the number of rounds; the default keeps the suite quick.
"""

from __future__ import annotations

import hashlib
import os
import random
import signal
import threading
from collections.abc import Callable
from pathlib import Path

from tests.receiver.wire import Server, content_of

ROUNDS = int(os.environ.get("LETTERBOX_KILL_ROUNDS", "5"))
SENDERS = 6


def send_until_cut_off(server: Server, seed: int, acknowledged: set[str], offered: set[str]) -> None:
    """Messages of all sizes to two mailboxes; the digests of all, and of those that were answered 250."""
    chance = random.Random(seed)
    try:
        with server.client() as client:
            while True:
                body = chance.randbytes(chance.choice([10, 2000, 90_000])).hex().encode() + b"\r\n"
                digest = hashlib.sha256(body).hexdigest()
                client.begin("alice@example.test", "bob@example.test")
                offered.add(digest)
                client.send(body + b".\r\n")
                client.expect("250 2.0.0 Stored")
                acknowledged.add(digest)
    except (OSError, EOFError):
        pass


def test_what_was_acknowledged_is_there_whole_after_kill_9(
    serve: Callable[..., Server], tmp_path: Path
) -> None:
    mail = tmp_path / "mail"
    acknowledged: set[str] = set()
    offered: set[str] = set()
    for number in range(ROUNDS):
        server = serve(mail=mail)
        senders = [
            threading.Thread(
                target=send_until_cut_off, args=(server, SENDERS * number + each, acknowledged, offered)
            )
            for each in range(SENDERS)
        ]
        before = len(acknowledged)
        for sender in senders:
            sender.start()
        while len(acknowledged) < before + random.randint(1, 60) and any(each.is_alive() for each in senders):
            senders[0].join(0.005)
        server.stop(signal.SIGKILL)
        for sender in senders:
            sender.join()
        assert len(acknowledged) > before
    for mailbox in ("alice", "bob"):
        found = [
            content_of(path.read_bytes()) for path in (mail / "example.test" / mailbox / "new").iterdir()
        ]
        digests = {hashlib.sha256(content).hexdigest() for content in found}
        assert len(digests) == len(found)  # once for each time it was sent
        assert acknowledged <= digests <= offered
    print(f"{ROUNDS} kills, {len(acknowledged)} messages acknowledged, none lost")
