"""The key pair of the bucket: an access key ID and a secret, on two lines of `$CREDENTIALS_DIRECTORY/bucket`.

It stands in no argument, no variable of the environment, no log and no reply.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from services.bucket.errors import BucketError

NAME = "bucket"  # of the file
_MOST = 8192  # octets
_VISIBLE = re.compile(r"[!-~]{1,512}")  # US-ASCII
_FIX = "deploy with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY set"


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A key pair. Neither part is in the repr."""

    access_key_id: str = field(repr=False)
    secret: str = field(repr=False)


def load(folder: str | None) -> KeyPair:
    """The key pair in the folder. Raises BucketError, without what the file holds."""
    if not folder:
        raise BucketError(
            "$CREDENTIALS_DIRECTORY: is not set: start the program by its unit, or give the key pair"
        )
    path = Path(folder, NAME)
    try:
        with path.open("rb") as file:
            octets = file.read(_MOST)
    except OSError as error:
        raise BucketError(f"{path}: cannot be read: {error.strerror}: {_FIX}") from None
    return parse(octets, str(path))


def parse(octets: bytes, source: str) -> KeyPair:
    """The key pair in octets of `source`. Raises BucketError, without what they hold."""
    lines = octets.decode("ascii", "replace").split()
    if len(lines) != 2 or not all(_VISIBLE.fullmatch(each) for each in lines):
        raise BucketError(f"{source}: must be an access key ID and a secret, each on a line: {_FIX}")
    return KeyPair(*lines)
