"""The files on this machine that keep what a run changed in a domain's zone, for `--undo`.

They are in `$XDG_STATE_HOME/letterbox/dns` (by default `~/.local/state`). They hold records, and no token.
`DOMAIN.json` is the last change that was made. A change that is about to be made is first written to a file
of its own. It replaces `DOMAIN.json` only when it is known to be made. If it was refused, its file is
deleted. If its outcome is unknown, its file stays, even if the program is killed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import get_ident

from dns.errors import SyncError
from dns.state_folder import state_folder
from dns.sync.saved import Saved, parse_saved, to_text

_LONGEST = 180  # characters of the domain in a file's name, which may have 255 octets (NAME_MAX)


class Pending:
    """The file of a change that is about to be made. Call `made` or `forget` when the outcome is known."""

    def __init__(self, domain: str, saved: Saved) -> None:
        """Write the file. Raises SyncError if that is not possible."""
        self._path = file_of(domain)
        # Runs at the same time have a file each.
        self._own = self._path.with_name(f"{self._path.stem}.{os.getpid()}-{get_ident()}.new")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            _write(self._own, saved)
        except OSError as error:
            raise SyncError(
                f"{self._own}: the change cannot be kept for --undo ({error.strerror}): "
                "set XDG_STATE_HOME to a folder that can be written"
            ) from None

    def made(self, saved: Saved) -> None:
        """Keep it as the last change. `saved` is what was really changed."""
        with suppress(OSError):  # if it fails, the pending file stays, which says nearly as much
            new = self._own.with_suffix(".made")
            _write(new, saved)
            new.replace(self._path)
            self.forget()
            _forget_pending(self._path)

    def forget(self) -> None:
        """Delete the file, because the change was not made."""
        with suppress(OSError):
            self._own.unlink(missing_ok=True)


def candidates(domain: str) -> Iterator[tuple[Path, bool, Saved]]:
    """The changes that may be the last, newest first: its file, whether it was surely made, the change.

    Raises SyncError if the last change cannot be read.
    """
    path = file_of(domain)
    for pending in _pending(path):
        with suppress(
            OSError, ValueError
        ):  # a file that is half written belongs to a change that was not sent
            yield pending, False, parse_saved(pending.read_text(encoding="utf-8"))
    try:
        yield path, True, parse_saved(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return
    except (OSError, ValueError) as error:
        raise SyncError(f"{path}: cannot be read ({error}): delete it, and undo the change by hand") from None


def forget(domain: str) -> None:
    """Delete the last change, which has been undone, and everything before it."""
    path = file_of(domain)
    with suppress(OSError):
        path.unlink(missing_ok=True)
        _forget_pending(path)


def file_of(domain: str) -> Path:
    """Where the last change of the domain is kept. Raises SyncError if there is no such place."""
    try:
        folder = state_folder("dns")
    except RuntimeError:
        raise SyncError(
            "this user has no home folder to keep the last change in: set XDG_STATE_HOME or HOME"
        ) from None
    name = domain
    if len(name) > _LONGEST:
        import hashlib  # late: only a very long name needs it

        name = f"{domain[:_LONGEST]}.{hashlib.sha256(domain.encode()).hexdigest()[:16]}"
    return folder / f"{name}.json"


def _pending(path: Path) -> list[Path]:
    """The files of changes whose outcome is unknown, newest first."""
    # The whole name must match, because another domain may begin with this one.
    own = re.compile(rf"{re.escape(path.stem)}\.\d+-\d+\.new")
    times: dict[Path, int] = {}
    for found in path.parent.iterdir() if path.parent.is_dir() else ():
        if own.fullmatch(found.name):
            with suppress(OSError):  # another run has just deleted it
                times[found] = found.stat().st_mtime_ns
    return sorted(times, key=lambda found: -times[found])


def _forget_pending(path: Path) -> None:
    for found in _pending(path):
        if not _in_use(found):
            found.unlink(missing_ok=True)


def _in_use(path: Path) -> bool:
    """Whether another process or thread wrote the file, still runs, and may need it."""
    process = path.name.removesuffix(".new").rpartition(".")[2].partition("-")[0]
    try:
        if int(process) == os.getpid():
            return not path.name.endswith(f"-{get_ident()}.new")
        os.kill(int(process), 0)
    except ProcessLookupError:
        return False
    except (ValueError, OSError):
        return True
    return True


def _write(path: Path, saved: Saved) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write(to_text(saved))
        file.flush()
        os.fsync(file.fileno())  # before the change is sent, or it could outlast the file that undoes it
