"""A mail folder with a hook's queue, as the receiver and the hook's process leave it."""

from __future__ import annotations

import json
import time
from pathlib import Path

from receiver import hook_queue
from receiver.hook_queue import Queue
from receiver.mailbox import Mailbox

ALICE = Mailbox("example.com", "alice")


def queue(mail: Path, name: str = "orders", *, pending: int = 0, dead: int = 0, age: int = 60) -> Queue:
    """A queue with so many messages. Each arrived `age` seconds ago."""
    made = hook_queue.queue(mail, name)
    made.pending.mkdir(parents=True)
    made.dead.mkdir()
    made.state.parent.mkdir()
    arrived = int(time.time()) - age
    for number in range(pending + dead):
        folder = made.pending if number < pending else made.dead
        (folder / hook_queue.link_name(f"{arrived}.M{number}P1.mx1", ALICE)).write_text("a message")
    return made


def remember(made: Queue, **state: object) -> None:
    made.state.write_text(json.dumps({"version": 1, **state}))


def configuration(mail: Path, *names: str) -> Path:
    """A letterbox.toml beside the mail folder, whose host has these hooks."""
    path = mail.parent / "letterbox.toml"
    hooks = "".join(f'[hooks.{name}]\nmailboxes = ["alice@example.com"]\n' for name in names)
    path.write_text(f'hostname = "mx1.example.com"\nmail = "{mail}"\n{hooks}')
    return path
