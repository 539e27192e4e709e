"""What of a host's mail is not in the bucket, and when that hinders a change of the promise. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from dns.inventory.store.values import BUCKET, DISK, Store
from provision.host.services.bucket import Bucket

SWITCH = "leave_backlog"
"""`--data leave_backlog=HOST` lets a host go to the promise of the bucket while mail of it is not there."""


def waiting(messages: int) -> str:
    """How many messages wait for the bucket, in words. Empty if none does."""
    if not messages:
        return ""
    return "1 message waits for the bucket" if messages == 1 else f"{messages} messages wait for the bucket"


def backlog(there: Bucket, *, has_mail: bool) -> str:
    """What of the host's mail is held up on its way to the bucket, in words. Empty if nothing is."""
    if held_up := waiting(there.held_up):
        return held_up
    if has_mail and not there.pushed:
        return "it has mail, and `letterbox push` has never sent all of it to the bucket"
    return ""


def refusal(host: str, now: str, left: str, *, has_bucket: bool) -> str:
    """Why this host may not go to the promise of the bucket yet, with the fix. `now` is its promise."""
    way = (
        "wait until `letterbox push` on the host has sent it"
        if has_bucket
        else (f'deploy with "promise": "{DISK}" first, and run `letterbox push` on the host')
    )
    before = f"from {now} " if now else ""
    return (
        f"its promise is to change {before}to {BUCKET}, and {left}: {way}, or, to leave that mail on this "
        f"host's disk alone, add --data {SWITCH}={host}"
    )


def going_to_bucket(now: str, store: Store | None) -> bool:
    """Whether a host with the promise `now` gets that of the bucket by this store."""
    return store is not None and store.promise == BUCKET and now != BUCKET


def fleet_line(store: Store | None, hosts: int) -> str:
    """Which promise holds for all hosts, in one line. Empty for one host without a store."""
    if store is None:
        if hosts < 2:
            return ""
        return (
            f"promise: {hosts} hosts without a store: each has mailboxes of its own, on its own disk, and "
            "who loses a host loses its mail"
        )
    if store.promise == DISK:
        return (
            f"promise {DISK}: a 250 means that the host's disk has the message; the bucket {store.bucket} "
            "follows within seconds, and what has not followed is lost with the host"
        )
    return (
        f"promise {BUCKET}: a 250 means that the bucket {store.bucket} has the message for every mailbox; "
        "the loss of a host loses no mail"
    )


def changes(there: Bucket, now: str, store: Store | None, *, pulls: bool) -> Iterator[str]:
    """What this deploy changes for one host, a line each. `now` is its promise, empty without a store."""
    if store is None:
        if there.units:
            yield "the inventory has no store: the bucket's units and its key go; the mail in it stays there"
            if there.pending:
                count = "1 message has" if there.pending == 1 else f"{there.pending} messages have"
                yield f"{count} not been sent to the bucket: their mail stays in the mailboxes of this host"
        return
    if not there.units:
        yield f"the bucket {store.bucket} comes: its service with the key, one that sends" + (
            ", and one that brings mail" if pulls else "; this host brings no mail from it"
        )
    if now and now != store.promise:
        means = "this disk has a message" if store.promise == DISK else "the bucket has a message"
        yield f"promise: {store.promise} in place of {now}: a 250 then means that {means}"
