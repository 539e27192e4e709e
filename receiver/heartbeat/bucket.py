"""Whether the bucket takes mail: what waits for it, and whether a trial with it succeeds."""

from __future__ import annotations

from pathlib import Path

from receiver.bucket.client import Client
from receiver.doctor.services import backlog
from receiver.heartbeat.finding import Finding

PATIENCE = 12.0  # seconds for the trial; `services/heartbeat` waits for 20 for all of this


def waiting(mail: Path, now: float) -> Finding:
    """The backlog. `now` is in seconds since 1970."""
    found = backlog.read(mail)
    if found.unread:
        return Finding("bucket backlog", None, f"cannot be told ({found.unread})")
    return Finding("bucket backlog", not found.is_old(now), found.words(now))


def answers(socket: Path, patience: float = PATIENCE) -> Finding:
    """A trial with the bucket: it is reached, and it takes an object once. No answer is not well."""
    try:
        with Client(socket, patience) as client:
            links = client.check()
    except (OSError, ValueError) as failure:
        return Finding("bucket", None, f"no answer ({backlog.reason(failure)})")
    wrong = [each for each in links if each.state != "good"]
    if not wrong:
        return Finding("bucket", bool(links) or None, "takes mail" if links else "it says nothing")
    first = next((each for each in wrong if each.state == "bad"), wrong[0])
    words = " ".join(f"{first.link}: {first.found}".split())
    return Finding("bucket", False if first.state == "bad" else None, words)
