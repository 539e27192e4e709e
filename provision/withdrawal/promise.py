"""What a roll-back makes of the promise that a 250 gives. Pure.

The units of the bucket are no part of a generation, and stay as they are. What sends mail to the bucket does
nothing under a configuration without a store (`ExecCondition` in its unit).
"""

from __future__ import annotations

from collections.abc import Iterator

from provision.host import layout
from provision.host.observed import Generation, Observed

_BUCKET = "bucket"


def rollback_problem(seen: Observed, target: Generation) -> str:
    """Why the host may not go back to this generation: it would take no mail. Empty if it may."""
    if (
        target.served is None
        or target.served.promise != _BUCKET
        or seen.bucket.runs(layout.BUCKET_SOCKET_UNIT)
    ):
        return ""
    return (
        f"generation {target.name} gives a 250 when the bucket has the message, and {layout.BUCKET_SERVICE} "
        "is not on the host any more, so it would take no mail: deploy with the store, or name another with "
        "--data generation="
    )


def rollback_remarks(seen: Observed, target: Generation) -> Iterator[str]:
    """What a 250 of this generation no longer means: at most one line."""
    now = seen.served.promise if seen.served else ""
    if target.served is None or not now or now == target.served.promise:
        return
    if not target.served.promise:
        yield (
            f"generation {target.name} has no store: what it takes is on this host's disk alone, until "
            "deploy.py goes forward again and `letterbox push` has sent it"
        )
    elif now == _BUCKET:
        yield (
            f"generation {target.name} has the promise {target.served.promise} in place of {now}: a 250 then "
            "means that this host's disk has the message"
        )
