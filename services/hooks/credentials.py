"""The secrets of a hook: files in the folder of `$CREDENTIALS_DIRECTORY` (systemd.exec(5)).

`secret` holds the secret of Standard Webhooks, `whsec_` and 24 to 64 octets in base64. If there are several,
apart by white space, each signs: so a secret can be changed without a gap. `basic`, if it is there, holds
USER:PASSWORD, which is sent by HTTP Basic (RFC 7617).
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from pathlib import Path

from services.hooks.errors import HookError

SECRET, BASIC = "secret", "basic"  # names of files
_PREFIX = "whsec_"
_FEWEST, _MOST = 24, 64  # octets of a secret, by Standard Webhooks


@dataclass(frozen=True, slots=True)
class Credentials:
    """The keys that sign, and USER:PASSWORD or None. Neither is in the repr."""

    keys: tuple[bytes, ...] = field(default=(), repr=False)
    basic: bytes | None = field(default=None, repr=False)


def load(folder: str | None) -> Credentials:
    """The secrets in the folder. Raises HookError if the secret is missing or wrong, without its value."""
    if not folder:
        raise HookError(
            "$CREDENTIALS_DIRECTORY: is not set: start the hook by its unit, or give --credentials"
        )
    secret = Path(folder, SECRET)
    text = _read(secret)
    if text is None:
        raise HookError(f"{secret}: is missing: deploy again, which makes a secret")
    keys = tuple(_key(secret, each) for each in text.split())
    if not keys:
        raise HookError(f"{secret}: is empty: deploy again, which makes a secret")
    basic = _read(Path(folder, BASIC))
    if basic is None:
        return Credentials(keys)
    basic = basic.strip("\r\n")
    if not basic.isprintable() or ":" not in basic:
        raise HookError(f"{Path(folder, BASIC)}: must be USER:PASSWORD on one line: deploy with it again")
    return Credentials(keys, basic.encode())


def _read(path: Path) -> str | None:
    """The text of a file. None if there is none. Raises HookError."""
    try:
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise HookError(f"{path}: cannot be read: {error.strerror}: start the hook by its unit") from None
    except UnicodeDecodeError:
        raise HookError(f"{path}: is not text: deploy with the secret again") from None


def _key(path: Path, secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith(_PREFIX) or not _FEWEST <= len(key) <= _MOST:
        raise HookError(
            f"{path}: must be {_PREFIX} and {_FEWEST} to {_MOST} octets in base64: deploy with another secret"
        )
    return key
