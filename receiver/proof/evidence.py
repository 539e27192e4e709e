"""The evidence of a first message: all that is known of it once it is on stable storage."""

from __future__ import annotations

import contextlib
import hashlib
import socket
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from receiver import headers, one_time
from receiver.cli.command import Failure
from receiver.content import content
from receiver.reading import message_json, selection, stored, summary

_KEPT = 86_400  # seconds that we keep the messages of earlier proofs
_NAME_SECONDS = 5.0


def gather(address: str, mail: Path, event: Mapping[str, object]) -> dict[str, object]:
    """The evidence of the message that `event` announces.

    Raises Failure if the message is not where it should be.
    """
    domain = address.rpartition("@")[2]
    boxes = [each for each in stored.maildirs(mail, one_time.MAILBOX) if each.domain == domain]
    found = selection.find(boxes, str(event.get("id")))
    if not found:
        raise Failure(f"the message {event.get('id')} is not in {mail}/{domain}/{one_time.MAILBOX}")
    _remove_old(boxes)
    octets, head = stored.content(found[0]), stored.head(found[0])[0]
    # From here on we parse a stranger's octets and open no file.
    holds, fields = content.read(octets), headers.parse_fields(head)
    short = summary.summary(found[0], fields, len(octets))
    return {
        "event": "stored",
        "address": address,
        "reverse_name": reverse_name(short.peer),
        "seconds": event.get("seconds"),
        "sha256": hashlib.sha256(octets).hexdigest(),
        **message_json.to_json(short, holds),
    }


def _remove_old(boxes: Sequence[stored.Maildir]) -> None:
    for each in selection.everything(boxes):
        if each.arrived < time.time() - _KEPT:
            Path(each.path).unlink(missing_ok=True)


def reverse_name(peer: str) -> str | None:
    """The name that the DNS has for the address; None if the DNS has none or does not answer in time.

    The command looks it up, because the receiver has no network.
    """
    names: list[str] = []

    def look_up() -> None:
        with contextlib.suppress(OSError):
            names.append(socket.gethostbyaddr(peer)[0])

    looking = threading.Thread(target=look_up, daemon=True)
    looking.start()
    looking.join(_NAME_SECONDS)
    return names[0] if names else None
