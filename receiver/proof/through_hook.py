"""The message of a proof, handed to a hook: whether its target takes it.

A hook of a whole domain does not get the mail of proofs, so that no program is told of them unawares. Here it
is asked for: the message is linked into the queue, as the receiver links others. The hook's process removes
the link when the target has taken the message, and only then.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

from receiver import hook_queue, one_time
from receiver.hook_queue import Queue
from receiver.hooks import status
from receiver.mailbox import Mailbox

PATIENCE = 20.0  # seconds; the target has 15 s to answer
_LOOK = 0.1


@dataclass(frozen=True, slots=True)
class Outcome:
    """Whether the hook has delivered the message, and how that is known. None: it is not known."""

    hook: str
    delivered: bool | None
    evidence: str

    def to_json(self) -> dict[str, object]:
        return {"hook": self.hook, "delivered": self.delivered, "evidence": self.evidence}


def deliver(
    mail: Path, hook: str, address: str, message: Path, patience: float = PATIENCE
) -> dict[str, object]:
    """Put the message into the hook's queue, and wait up to `patience` seconds until it is delivered."""
    queue = hook_queue.queue(mail, hook)
    mailbox = Mailbox(address.rpartition("@")[2], one_time.MAILBOX)
    name = hook_queue.link_name(message.name.partition(":")[0], mailbox)
    try:
        message.chmod(hook_queue.FILE_MODE)
        os.link(message, queue.pending / name)
    except OSError as error:
        evidence = f"the message could not be put into {queue.folder} ({error.strerror}): deploy this host"
        return Outcome(hook, None, evidence).to_json()
    began = time.monotonic()
    while (took := time.monotonic() - began) < patience:
        if (found := _outcome(queue, name, took)) is not None:
            return found.to_json()
        time.sleep(_LOOK)
    why = _unknown(queue, name, patience)
    return Outcome(hook, None, why).to_json()


def _outcome(queue: Queue, name: str, took: float) -> Outcome | None:
    """What has become of the message; None if it still waits."""
    if os.path.lexists(queue.pending / name):
        error = _error(queue, name)
        return Outcome(queue.hook, False, f"not delivered: {error}; it is tried again") if error else None
    if os.path.lexists(queue.dead / name):
        return Outcome(queue.hook, False, "given up: letterbox hooks says why")
    return Outcome(queue.hook, True, f"delivered as {name}, {took:.1f} s after it was stored")


def _error(queue: Queue, name: str) -> str:
    """Why the last try of this message failed. Empty if none has failed, or that is not known."""
    try:
        state = status.load(queue)
    except (OSError, ValueError, RecursionError):
        return ""
    tries = state.get("tries")
    tried = tries.get(name) if isinstance(tries, dict) else None
    error = tried.get("error") if isinstance(tried, dict) else None
    if not error and state.get("stopped"):
        error = f"the hook is stopped ({state['stopped']})"
    return str(error)[:500] if error else ""


def _unknown(queue: Queue, name: str, patience: float) -> str:
    waits = "it waits in the queue" if os.path.lexists(queue.pending / name) else "it is no longer there"
    return f"not known within {patience:g} s, and {waits}: letterbox hooks; letterbox doctor"
