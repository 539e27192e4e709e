"""Which messages this host has had, so that none comes twice, or again after its reader has removed it.

An entry is 16 octets: the beginning of the SHA-256 of what it says (`known`). Nobody can make a message whose
entry is that of another, and 100,000 messages take a few MB. `<mail>/.bucket/pulled/` has

- `sorted`: entries in order. It is mapped and searched, so its size costs no memory of the process.
- `recent`: entries as they came. They are held in memory. When they are many, they go into `sorted`.
- `lock`: held (flock(2)) while either is written. `pull` and `push` write both, at the same time.
- `indexed`: is there when the mail that lay here before was entered (`index`).
- `complete`: when the last pull began that looked at the whole bucket, in seconds since 1970.

`sorted` is replaced as a whole, and `recent` only grows until then. A power cut may take the end of `recent`:
entries that `add` had not returned for.
"""

from __future__ import annotations

import contextlib
import fcntl
import mmap
import os
from collections.abc import Callable, Iterable, Iterator
from heapq import merge
from pathlib import Path

from receiver.bucket_queue import FOLDER
from receiver.storage.folders import Folders

ENTRY = 16  # octets
_MOST_RECENT = 65_536  # entries
_BLOCK = 65_536  # entries that are written at once
_FLAGS = os.O_NOFOLLOW | os.O_CLOEXEC


class Journal:
    """The journal of a mail folder. Methods raise OSError. One thread at a time may call them."""

    def __init__(self, folders: Folders) -> None:
        self._folders = folders
        self.folder = folders.mail / FOLDER / "pulled"
        self._sorted: mmap.mmap | bytes = b""
        self._recent: set[bytes] = set()
        self._read = 0  # octets of `recent` that are in memory
        self._files = (-1, -1)  # the inodes of `sorted` and `recent` that we have read
        self.refresh()

    def __contains__(self, entry: bytes) -> bool:
        return entry in self._recent or self._is_sorted_in(entry)

    def __len__(self) -> int:
        """The number of entries. Some of `recent` may be in `sorted` as well."""
        return len(self._recent) + len(self._sorted) // ENTRY

    def refresh(self) -> None:
        """Read what any process has added since."""
        files = (_inode(self.folder / "sorted"), _inode(self.folder / "recent"))
        if files != self._files:
            self._load_sorted()
            self._recent, self._read = set(), 0
            self._files = files
        with contextlib.suppress(FileNotFoundError), _opened(self.folder / "recent", os.O_RDONLY) as fd:
            os.lseek(fd, self._read, os.SEEK_SET)
            while block := os.read(fd, _BLOCK * ENTRY):
                whole = len(block) // ENTRY * ENTRY
                self._recent.update(block[at : at + ENTRY] for at in range(0, whole, ENTRY))
                self._read += whole
                if whole < len(block):
                    break

    def add(self, entries: Iterable[bytes]) -> None:
        """Add entries. They are durable when this returns."""
        wanted = [each for each in dict.fromkeys(entries) if each not in self]
        if not wanted:
            return
        with self._locked():
            self.refresh()
            octets = b"".join(each for each in wanted if each not in self)
            with _opened(self.folder / "recent", os.O_WRONLY | os.O_CREAT | os.O_APPEND) as fd:
                size = os.fstat(fd).st_size
                if size % ENTRY:  # A disk was full, or the power went, while an entry was written.
                    os.ftruncate(fd, size // ENTRY * ENTRY)
                view = memoryview(octets)
                while view:
                    view = view[os.write(fd, view) :]
                os.fdatasync(fd)
            if not size:
                self._folders.sync_folder(str(self.folder))
            self.refresh()
            if len(self._recent) > _MOST_RECENT:
                self._sort()

    def mark(self, name: str, text: str = "") -> None:
        """Make the file `name` beside the entries, durably."""
        with self._locked():
            _write(self._folders, self.folder / name, [text.encode()])

    def marked(self, name: str) -> str | None:
        """The text of that file; None if it is not there."""
        try:
            return (self.folder / name).read_text("utf-8", "replace")
        except FileNotFoundError:
            return None

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        self._folders.make_folder(self.folder)
        try:
            opened = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | _FLAGS, 0o600)
        except FileNotFoundError:  # Somebody has removed the journal.
            self._folders.forget()
            self._folders.make_folder(self.folder)
            opened = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | _FLAGS, 0o600)
        try:
            fcntl.flock(opened, fcntl.LOCK_EX)
            yield
        finally:
            os.close(opened)

    def _sort(self) -> None:
        """Put the recent entries into `sorted`. If we are killed between the two steps, some are in both."""
        kept = (self._sorted[at : at + ENTRY] for at in range(0, len(self._sorted), ENTRY))
        _write(self._folders, self.folder / "sorted", _without_repeats(merge(kept, sorted(self._recent))))
        _write(self._folders, self.folder / "recent", [])
        self.refresh()

    def _load_sorted(self) -> None:
        self._sorted = b""
        with contextlib.suppress(FileNotFoundError), _opened(self.folder / "sorted", os.O_RDONLY) as fd:
            if size := os.fstat(fd).st_size // ENTRY * ENTRY:
                self._sorted = mmap.mmap(fd, size, prot=mmap.PROT_READ)

    def _is_sorted_in(self, entry: bytes) -> bool:
        low, high = 0, len(self._sorted) // ENTRY
        while low < high:
            middle = (low + high) // 2
            found = self._sorted[middle * ENTRY : (middle + 1) * ENTRY]
            if found == entry:
                return True
            low, high = (middle + 1, high) if found < entry else (low, middle)
        return False


@contextlib.contextmanager
def only_run(folders: Folders, name: str, say: Callable[[str], object]) -> Iterator[None]:
    """Keep other runs of the same kind out of the mail folder until the context ends.

    If there is one, this says so, and waits for its end.
    """
    folder = folders.mail / FOLDER
    folders.make_folder(folder)
    fd = os.open(folder / f"{name}.lock", os.O_RDWR | os.O_CREAT | _FLAGS, 0o600)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"another {name} is under way here: waiting for its end")
            fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def write_file(folders: Folders, path: Path, octets: bytes) -> None:
    """Replace a file, durably. Its folder is there. Raises OSError."""
    _write(folders, path, [octets])


def _write(folders: Folders, path: Path, pieces: Iterable[bytes]) -> None:
    beside = path.with_name(f"{path.name}.new")
    with _opened(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC) as fd:
        with os.fdopen(fd, "wb", buffering=1_048_576, closefd=False) as file:
            file.writelines(pieces)
        os.fsync(fd)
    folders.disk.rename(str(beside), str(path))
    folders.sync_folder(str(path.parent))


def _without_repeats(entries: Iterable[bytes]) -> Iterator[bytes]:
    last = b""
    for each in entries:
        if each != last:
            yield each
        last = each


@contextlib.contextmanager
def _opened(path: Path, flags: int) -> Iterator[int]:
    fd = os.open(path, flags | _FLAGS, 0o600)
    try:
        yield fd
    finally:
        os.close(fd)


def _inode(path: Path) -> int:
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return 0
