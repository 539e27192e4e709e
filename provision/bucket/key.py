"""The key pair of the bucket: handed over by the environment, and encrypted for the host.

It is in no command, no plan, no log, and on no disk of the control machine. No message here holds any of it.
"""

from __future__ import annotations

import os
import re

from pyinfra.api.command import StringCommand

from provision.desired import credential
from provision.host import layout

ID, SECRET, SESSION = "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"
CREDENTIAL = "bucket"
_VISIBLE = re.compile(r"[!-~]{1,512}")


def given() -> str | None:
    """The pair that the environment has, a line each. None if it has none."""
    parts = [os.environ.get(name, "").strip() for name in (ID, SECRET)]
    return "\n".join(parts) if all(parts) else None


def problem() -> str:
    """What is wrong with the pair in the environment, with the fix. Empty if nothing, or if there is none."""
    values = {name: os.environ.get(name, "").strip() for name in (ID, SECRET)}
    there = [name for name, value in values.items() if value]
    if not there:
        return ""
    if len(there) == 1:
        lacking = SECRET if there == [ID] else ID
        return f"{there[0]} is set, and {lacking} is not: set both, or neither to let the host keep its pair"
    for name, value in values.items():
        if not _VISIBLE.fullmatch(value):
            return f"{name} holds a space, or what is no part of a key: copy it again"
    if os.environ.get(SESSION, "").strip():
        return (
            f"{SESSION} is set, so the pair ends within hours, and mail would stop: make a lasting pair for "
            "this bucket alone, and unset it"
        )
    return ""


def encrypted(pair: str) -> StringCommand:
    """Encrypt the pair for this host."""
    return credential.encrypted(layout.BUCKET_KEY, CREDENTIAL, pair)
