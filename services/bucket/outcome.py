"""What came of a request to the store, told from the exceptions of obstore. Pure.

The texts of obstore hold the store's whole answer, and so perhaps parts of keys. Only the status and the code
of an error are taken from them.
"""

from __future__ import annotations

import asyncio
import enum
import errno
import re
from dataclasses import dataclass

from obstore.exceptions import AlreadyExistsError

_STATUS = re.compile(r"status code: (\d{3})")
_CODE = re.compile(r"<Code>\s*([A-Za-z0-9]{1,64})\s*</Code>")
_KIND = re.compile(r"kind: (\w{1,32})")
_FULL_CODES = {"QuotaExceeded", "InsufficientStorage", "InsufficientCapacity", "XMinioStorageFull"}
_FULL_STATUS = 507
_OF_THE_OBJECT = {"EntityTooLarge": errno.EFBIG, "KeyTooLongError": errno.ENAMETOOLONG}
_TOO_LARGE_STATUS = 413
_REDIRECT = "PermanentRedirect"
_TRANSIENT_CODES = {"RequestTimeout", "OperationAborted", "SlowDown"}


class Kind(enum.Enum):
    """What is to be done about an outcome."""

    EXISTS = "exists"  # An object of that key is there, if the store does not err: see whether it is.
    MISSING = "missing"  # There is no such object, or no such bucket.
    UNKNOWN = "unknown"  # It may have been done or not: try again under the same key.
    REFUSED = "refused"  # The store will not do it: key, clock, bucket or request are wrong.
    FULL = "full"  # The store has no room.


@dataclass(frozen=True, slots=True)
class Outcome:
    """An outcome that is no success. `said` is for logs and replies, without a secret."""

    kind: Kind
    code: int  # errno
    said: str
    name: str = ""  # the store's code, such as SlowDown


def outcome(error: BaseException) -> Outcome:
    """The outcome that an exception of obstore, or a time-out of ours, stands for."""
    if isinstance(error, (TimeoutError, asyncio.TimeoutError)):
        return Outcome(Kind.UNKNOWN, errno.ETIMEDOUT, "the store did not answer in time")
    if isinstance(error, ValueError):  # obstore cannot make a path of it.
        return Outcome(Kind.MISSING, errno.ENOENT, "no object can have that key")
    text = str(error)
    found = _CODE.search(text)
    name = found[1] if found else ""
    match = _STATUS.search(text)
    status = int(match[1]) if match else 0
    said = f"the store said {status} {name}".rstrip() if status else _transport(text)
    if name in _FULL_CODES or status == _FULL_STATUS:
        return Outcome(Kind.FULL, errno.ENOSPC, said, name)
    if isinstance(error, AlreadyExistsError):  # 412, and also 409, which means that two write at once
        return Outcome(Kind.EXISTS, errno.EEXIST, said, name)
    if isinstance(error, FileNotFoundError):
        if name == "NoSuchBucket":
            return Outcome(Kind.REFUSED, errno.EIO, said, name)
        return Outcome(Kind.MISSING, errno.ENOENT, said if status else "there is no such object", name)
    if not status and "redirect" in text.lower():  # to which region is not said
        return Outcome(Kind.UNKNOWN, errno.EIO, "the store sends us elsewhere", _REDIRECT)
    if not status:
        kind = _KIND.search(text)
        timed_out = kind is not None and kind[1] == "Timeout"
        return Outcome(Kind.UNKNOWN, errno.ETIMEDOUT if timed_out else errno.EHOSTUNREACH, said)
    if status >= 500 or status in {408, 409, 425, 429} or name in _TRANSIENT_CODES:
        return Outcome(Kind.UNKNOWN, errno.EIO, said, name)
    code = errno.EFBIG if status == _TOO_LARGE_STATUS else _OF_THE_OBJECT.get(name, errno.EIO)
    return Outcome(Kind.REFUSED, code, said, name)


def _transport(text: str) -> str:
    """What happened to a connection, in words of ours."""
    kind = _KIND.search(text)
    match kind[1] if kind else "":
        case "Timeout":
            return "the store did not answer in time"
        case "Connect":
            return "the store could not be connected to"
        case "Request" | "Interrupted" | "Decode":
            return "the connection to the store broke"
        case _:
            return "the request to the store failed"
