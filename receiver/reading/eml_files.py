"""Writing messages into a folder, one .eml file for each. No existing file is overwritten.

An .eml file is the stored file, octet for octet. No message is parsed here. If root runs the command, root
only writes. A child that has given up root opens the mail, and passes each file descriptor with the name of
the new file (unix(7), SCM_RIGHTS).
"""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import stat
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from receiver.cli.command import Failure, run_reported
from receiver.reading.command import LATE
from receiver.reading.stored import Stored
from receiver.system import privileges
from receiver.system.privileges import User

_BLOCK = 1_048_576  # octets to read at a time
_LONGEST_NAME = 250  # octets; NAME_MAX is 255, and a number may be added
_LONGEST_PATH = 4096

Opened = Callable[[], Iterable[tuple[Stored, BinaryIO]]]


def write(folder: Path, owner: User, opened: Opened) -> int:
    """Write a file for each message that `opened` opens. Returns the exit code.

    If we are root, a child calls `opened` as the `owner` of the mail.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not privileges.is_root():
        _write_all(((file_name(message), file) for message, file in opened()), folder)
        return 0
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)

    def hand_over() -> int:
        return run_reported(lambda: _hand_over(opened(), theirs))

    with ours:
        child = privileges.start_child(owner, hand_over, keep=(theirs.fileno(),), late=LATE)
        theirs.close()
        try:
            _write_all(_handed_over(ours), folder)
        finally:
            ours.close()
            code = privileges.exit_code(child)
    return code


def _hand_over(opened: Iterable[tuple[Stored, BinaryIO]], out: socket.socket) -> int:
    for message, file in opened:
        with file:
            socket.send_fds(out, [os.fsencode(file_name(message))], [file.fileno()])
            if not out.recv(1):  # Waiting until the file is written keeps no more than one open.
                return 1  # The other side failed, and reports why.
    return 0


def _handed_over(from_child: socket.socket) -> Iterator[tuple[str, BinaryIO]]:
    while True:
        octets, descriptors, _, _ = socket.recv_fds(from_child, _LONGEST_PATH, 1)
        if not octets or not descriptors:
            return
        name = os.fsdecode(octets)
        with os.fdopen(descriptors[0], "rb") as file:
            if "/" in name or "\0" in name or not name.endswith(".eml"):
                raise Failure(f"{name!r} is not the name of a message file")
            if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                yield name, file
        from_child.send(b".")


def _write_all(messages: Iterable[tuple[str, BinaryIO]], folder: Path) -> None:
    written = there = 0
    for name, file in messages:
        with file:
            if _write_eml(file, folder, name):
                written += 1
            else:
                there += 1
    already = f"; {there} already existed" if there else ""
    print(f"{written} message(s) written to {folder}{already}", file=sys.stderr)


def file_name(message: Stored) -> str:
    """The name of a message's .eml file. It is unique and has at most 255 octets.

    It consists of the mailbox and the name of the stored file, so a sender cannot influence it.
    """
    box, name = str(message.maildir), f".{message.name}.eml"
    room = _LONGEST_NAME - len(os.fsencode(name))
    if len(os.fsencode(box)) > room:
        box = (
            os.fsdecode(os.fsencode(box)[: room - 17])
            + f"~{hashlib.sha256(os.fsencode(box)).hexdigest()[:16]}"
        )
    return (box + name).replace("/", "_")


def _write_eml(file: BinaryIO, folder: Path, name: str) -> bool:
    """Write a message, and return True. If an equal file exists under the name, return False.

    Other files of the name stay as they are, and the message gets a number. Raises OSError.
    """
    stem = name.removesuffix(".eml")
    for number in range(1, 1000):
        path = folder / (name if number == 1 else f"{stem}.{number}.eml")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            out = os.fdopen(os.open(path, flags, 0o600), "wb")
        except FileExistsError:
            if _is_same(file, path):
                return False
            continue
        try:
            with out:
                shutil.copyfileobj(file, out)
        except OSError:
            path.unlink()  # Leave no incomplete message, for example when the disk is full.
            raise
        return True
    raise Failure(f"{folder / name}: 999 other files have this name: choose another folder")


def _is_same(file: BinaryIO, path: Path) -> bool:
    """Whether `path` is a regular file with the same octets. Links are not followed."""
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            return False
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as other:
            while (block := file.read(_BLOCK)) == other.read(_BLOCK):
                if not block:
                    return True
            return False
    except OSError:  # A file that we cannot read is not ours.
        return False
    finally:
        file.seek(0)
