"""What a run leaves for the next one: `state.json`, which the doctor reads too, and the key of our account.

Both are written as a whole or not at all.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from josepy.jwk import JWKEC

from services.renewal.errors import RenewalError

_TIMES = ("at", "next_due", "retry_after", "suggested", "ask_after")
_LISTS = ("identities",)


@dataclass(frozen=True, slots=True)
class State:
    """The last outcome and what is known about the certificate in use. All times are in UTC.

    `outcome` is the last run in one line, `succeeded` whether it did what was due, `at` when it ended.
    `retry_after` is when the authority with the directory `refused_by` asked to come back, and `refusal` what
    it said then. `suggested` is when the authority wants the certificate to be renewed, and `ask_after` when
    to ask it for that again (RFC 9773). `directory`, `profile` and `digest` say how the certificate in use
    came. `account` is the URI of our account at the authority with the directory `account_of`, and
    `identities` are the names of that authority: both are for CAA records. `warned` is the day of the last
    warning.
    """

    outcome: str = ""
    succeeded: bool = False
    at: datetime | None = None
    next_due: datetime | None = None
    retry_after: datetime | None = None
    refused_by: str = ""
    refusal: str = ""
    suggested: datetime | None = None
    ask_after: datetime | None = None
    directory: str = ""
    profile: str = ""
    digest: str = ""
    account: str = ""
    account_of: str = ""
    identities: tuple[str, ...] = ()
    warned: str = ""


def load(path: Path) -> State:
    """The state of the last run. An empty one if there was none, or if its file is not readable as such."""
    try:
        kept = json.loads(path.read_text())
    except (OSError, ValueError):
        return State()
    return _state(kept) if isinstance(kept, dict) else State()


def save(path: Path, state: State) -> None:
    """Write the state, so that everybody on the host can read it."""
    kept = {
        name: value.isoformat(timespec="seconds") if isinstance(value, datetime) else value
        for name, value in asdict(state).items()
    }
    write(path, json.dumps(kept, indent=1).encode() + b"\n", 0o644)


def write(path: Path, content: bytes, mode: int) -> None:
    """Put the file there whole: it is written beside, synced, and renamed. Raises RenewalError."""
    new = path.with_name(path.name + ".new")
    try:
        if not path.parent.is_dir():
            path.parent.mkdir()
            path.parent.chmod(0o755)
        new.unlink(missing_ok=True)
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, mode)
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        new.rename(path)
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise RenewalError(
            f"{path} cannot be written ({error.strerror}): give the folder to the user of this program, and "
            "make room on the disk"
        ) from None


def account_key(path: Path) -> JWKEC:
    """The key of our account, made if there is none. Raises RenewalError."""
    try:
        pem = path.read_bytes()
    except FileNotFoundError:
        pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        write(path, pem, 0o600)
    except OSError as error:
        raise RenewalError(f"the account's key {path} cannot be read ({error.strerror})") from None
    try:
        key = serialization.load_pem_private_key(pem, None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise RenewalError(
            f"{path} holds no key of an account: remove it, and the next run makes a new account"
        )
    return JWKEC(key=key)


@contextmanager
def only_run(folder: Path) -> Iterator[None]:
    """Let no other run use the folder inside this context. Raises RenewalError if one does already."""
    try:
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise RenewalError(
            f"the folder {folder} cannot be opened ({error.strerror}): make it first"
        ) from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise RenewalError(f"another run works in {folder}: wait until it has ended") from None
    finally:
        os.close(lock)


def _state(kept: dict[str, Any]) -> State:
    """The state of what was kept. What is not of its type counts as not known."""
    found: dict[str, Any] = {}
    for field in fields(State):
        value = kept.get(field.name)
        if field.name in _TIMES:
            found[field.name] = _time(value)
        elif field.name in _LISTS:
            found[field.name] = tuple(each for each in _list(value) if isinstance(each, str))
        elif isinstance(value, type(field.default)):
            found[field.name] = value
    return State(**found)


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _time(value: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo else None
