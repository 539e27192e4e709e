"""One .eml file a message in a folder: the stored file, octet for octet. None that is there is overwritten.

Where root asks for them, root writes them, and nothing else: the mail is opened by a child that has given
root up, and that hands over each file with the name to write it under (unix(7), SCM_RIGHTS). No octet of a
message is parsed here.
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

from receiver import privileges
from receiver.privileges import User
from receiver.reading import command
from receiver.reading.stored import Stored

_BLOCK = 1_048_576  # octets that are read at once
_LONGEST_NAME = 250  # octets, with room for a number
_LONGEST_PATH = 4096

Opened = Callable[[], Iterable[tuple[Stored, BinaryIO]]]


def write(folder: Path, owner: User, opened: Opened) -> int:
    """Write a file for each message that `opened` opens, as `owner` of the mail; the exit code."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not privileges.is_root():
        _write_all(((file_name(message), file) for message, file in opened()), folder)
        return 0
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)

    def hand_over() -> int:
        return command.reported(lambda: _hand_over(opened(), theirs))

    with ours:
        child = privileges.start_child(owner, hand_over, keep=(theirs.fileno(),), late=command.LATE)
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
            if not out.recv(1):  # once it has been written, so that no more than one file is open
                return 1  # it could not be, which the other side says
    return 0


def _handed_over(from_child: socket.socket) -> Iterator[tuple[str, BinaryIO]]:
    while True:
        octets, descriptors, _, _ = socket.recv_fds(from_child, _LONGEST_PATH, 1)
        if not octets or not descriptors:
            return
        name = os.fsdecode(octets)
        with os.fdopen(descriptors[0], "rb") as file:
            if "/" in name or "\0" in name or not name.endswith(".eml"):
                raise command.Failure(f"{name!r} is no name for a message's file")
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
    already = f"; {there} were there already" if there else ""
    print(f"{written} message(s) written to {folder}{already}", file=sys.stderr)


def file_name(message: Stored) -> str:
    """The name of its .eml file, unlike that of any other message; at most 255 octets.

    Its own name and its mailbox, and nothing from inside the message: a sender has no say in it.
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
    """Write a message; False where this very file is there already. A file that is there stays as it is.

    Raises OSError.
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
            path.unlink()  # no half a message is left, as where the disk is full
            raise
        return True
    raise command.Failure(f"{folder / name}: a thousand other files have this name: choose another folder")


def _is_same(file: BinaryIO, path: Path) -> bool:
    """Whether a regular file holds the same; a link is followed nowhere."""
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            return False
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as other:
            while (block := file.read(_BLOCK)) == other.read(_BLOCK):
                if not block:
                    return True
            return False
    except OSError:  # what cannot be looked at is somebody else's
        return False
    finally:
        file.seek(0)
