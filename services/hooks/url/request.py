"""The header fields of a request. Pure.

Each is signed as Standard Webhooks says (https://www.standardwebhooks.com, version 1, `v1`: HMAC-SHA256 of
id, time and body). Its Python package signs text alone, and a message is octets. So the three lines are
ours, and the tests verify them with its packages for Python and JavaScript.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable, Sequence

from services.hooks.credentials import Credentials

TYPES = {"json": "application/json", "raw": "message/rfc822"}
AGENT = "Letterbox"


def signature(keys: Sequence[bytes], name: str, timestamp: int, body: Iterable[bytes]) -> str:
    """The value of `webhook-signature`. `timestamp` is in seconds since 1970."""
    digests = [hmac.new(key, f"{name}.{timestamp}.".encode(), hashlib.sha256) for key in keys]
    for block in body:
        for each in digests:
            each.update(block)
    return " ".join(f"v1,{base64.b64encode(each.digest()).decode()}" for each in digests)


def fields(
    credentials: Credentials,
    authority: str,
    form: str,
    name: str,
    now: float,
    body: Iterable[bytes],
    size: int,
) -> dict[str, str]:
    """The header fields for the message NAME. `size` is that of the body in octets."""
    timestamp = int(now)
    found = {
        "host": authority,
        "user-agent": AGENT,
        "content-type": TYPES[form],
        "content-length": str(size),
        "connection": "close",
        "webhook-id": name,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature(credentials.keys, name, timestamp, body),
    }
    if credentials.basic is not None:
        found["authorization"] = f"Basic {base64.b64encode(credentials.basic).decode()}"
    return found
