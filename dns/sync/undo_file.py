"""What a run changes in a domain's zone, kept on this machine for ``--undo``.

Files are in ``$XDG_STATE_HOME/letterbox/dns`` (by default ``~/.local/state``); they hold records, and no
token. ``DOMAIN.json`` is the last change that was made. A change that is about to be made is written to a
file of its own first, and takes that place only once it is known to be made: what was refused is
forgotten, and what is not known stays beside it, also when the program is killed.
"""

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from threading import get_ident
from typing import Any

from dns.errors import SyncError
from dns.plan.matching import Change, Plan
from dns.records import Record, ZoneRecord

_LONGEST = 180  # of a domain in a file's name, which may have 255 octets (NAME_MAX)


@dataclass(frozen=True, slots=True)
class Saved:
    """What a run changed. The posted records have their identifiers where these are known, else none."""

    zone: str
    zone_id: str
    posted: tuple[ZoneRecord, ...]
    patched: tuple[Change, ...]
    deleted: tuple[Record, ...]


def saved_from(zone: str, zone_id: str, plan: Plan, posted: Iterable[ZoneRecord] | None = None) -> Saved:
    """What carrying out the plan changes. ``posted`` are the new records, where these are known."""
    new = (ZoneRecord("", record) for record in plan.posts) if posted is None else posted
    return Saved(zone, zone_id, tuple(new), plan.patches, tuple(held.record for held in plan.deletes))


class Pending:
    """A change that is about to be made, kept: made, or forgotten, once that is known."""

    def __init__(self, domain: str, saved: Saved) -> None:
        """Write it down. Raises SyncError where it cannot be kept."""
        self._path = file_of(domain)
        # Runs at once each have a file of their own until the change is made.
        self._own = self._path.with_name(f"{self._path.stem}.{os.getpid()}-{get_ident()}.new")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            _write(self._own, saved)
        except OSError as error:
            raise SyncError(
                f"{self._own}: what is about to be changed cannot be kept ({error.strerror}): "
                "set XDG_STATE_HOME to a folder that can be written"
            ) from None

    def made(self, saved: Saved) -> None:
        """It was made, and this is what it changed."""
        with suppress(OSError):  # then the file of its own stays as it was, and tells nearly as much
            new = self._own.with_suffix(".made")
            _write(new, saved)
            new.replace(self._path)
            self.forget()
            _forget_pending(self._path)

    def forget(self) -> None:
        """It was not made."""
        with suppress(OSError):
            self._own.unlink(missing_ok=True)


def candidates(domain: str) -> Iterator[tuple[Path, bool, Saved]]:
    """What may have been the last change, newest first: its file, whether it was made for certain, and it.

    Raises SyncError for a last change that cannot be read.
    """
    path = file_of(domain)
    for pending in _pending(path):
        with suppress(OSError, ValueError):  # half written: it was never sent
            yield pending, False, _parsed(pending.read_text(encoding="utf-8"))
    try:
        yield path, True, _parsed(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return
    except (OSError, ValueError) as error:
        raise SyncError(f"{path}: cannot be read ({error}): delete it, and make the change by hand") from None


def forget(domain: str) -> None:
    """Forget the last change, as it is undone, and what came before it."""
    path = file_of(domain)
    with suppress(OSError):
        path.unlink(missing_ok=True)
        _forget_pending(path)


def file_of(domain: str) -> Path:
    """Where the last change of the domain is kept. Raises SyncError where there is no such place."""
    state = os.environ.get("XDG_STATE_HOME", "")
    try:
        # A relative path is to be ignored (XDG Base Directory Specification).
        folder = Path(state) if Path(state).is_absolute() else Path.home() / ".local" / "state"
    except RuntimeError:
        raise SyncError(
            "this user has no home folder to keep the last change in: set XDG_STATE_HOME or HOME"
        ) from None
    name = domain
    if len(name) > _LONGEST:
        import hashlib  # late: for names too long to be written out

        name = f"{domain[:_LONGEST]}.{hashlib.sha256(domain.encode()).hexdigest()[:16]}"
    return folder / "letterbox" / "dns" / f"{name}.json"


def _pending(path: Path) -> list[Path]:
    """The files of changes whose outcome is not known, newest first."""
    # The whole name is matched: a domain may begin as another one does.
    own = re.compile(rf"{re.escape(path.stem)}\.\d+-\d+\.new")
    times: dict[Path, int] = {}
    for found in path.parent.iterdir() if path.parent.is_dir() else ():
        if own.fullmatch(found.name):
            with suppress(OSError):  # another run has just ended
                times[found] = found.stat().st_mtime_ns
    return sorted(times, key=lambda found: -times[found])


def _forget_pending(path: Path) -> None:
    for found in _pending(path):
        if not _in_use(found):
            found.unlink(missing_ok=True)


def _in_use(path: Path) -> bool:
    """Whether another process that still runs wrote the file, and may be about to use it."""
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
        file.write(_text(saved))
        file.flush()
        os.fsync(file.fileno())  # before the change is sent, or it could outlive what undoes it


def _text(saved: Saved) -> str:
    return json.dumps(
        {
            "zone": saved.zone,
            "zone_id": saved.zone_id,
            "posted": [{"id": held.id, "record": asdict(held.record)} for held in saved.posted],
            "patched": [
                {"id": c.before.id, "before": asdict(c.before.record), "after": asdict(c.after)}
                for c in saved.patched
            ],
            "deleted": [asdict(record) for record in saved.deleted],
        },
        indent=1,
    )


def _parsed(text: str) -> Saved:
    """Raises ValueError for what is no such file."""
    found = json.loads(text)
    try:
        return _saved(found)
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"no change is kept in it: {error!r}") from None


def _saved(found: Any) -> Saved:
    return Saved(
        zone=_string(found["zone"]),
        zone_id=_string(found.get("zone_id", "")),
        posted=tuple(
            # Before there were identifiers, only the records were kept.
            ZoneRecord(_string(plain.get("id", "")), _record(plain.get("record", plain)))
            for plain in found["posted"]
        ),
        patched=tuple(
            Change(ZoneRecord(_string(plain["id"]), _record(plain["before"])), _record(plain["after"]))
            for plain in found["patched"]
        ),
        deleted=tuple(_record(plain) for plain in found["deleted"]),
    )


def _record(plain: Mapping[str, object]) -> Record:
    priority, ttl, extras = plain["priority"], plain["ttl"], plain.get("extras", {})
    comment, proxied = plain["comment"], plain["proxied"]
    if (
        not isinstance(ttl, int)
        or not isinstance(priority, int | None)
        or not isinstance(extras, Mapping)
        or not isinstance(comment, str | None)
        or not isinstance(proxied, bool)
    ):
        raise ValueError("a record that is none")
    record = Record(_string(plain["type"]), _string(plain["name"]), _string(plain["content"]), priority, ttl)
    return replace(record, proxied=proxied, comment=comment, extras=dict(extras))


def _string(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} where a text should be")
    return value
