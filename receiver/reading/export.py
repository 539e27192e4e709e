"""`letterbox export`: messages as an mbox (RFC 4155), or as .eml files, octet for octet.

In an mbox, lines end in LF, and a line that begins with `From ` after any number of `>` gets one more `>`,
so that it can be undone (the convention called mboxrd). An .eml file is the stored file.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import stat
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from receiver import headers
from receiver.reading import command, selection, stored
from receiver.reading.stored import Stored

_FROM = re.compile(rb"(\n)(>*From )")
_BLOCK = 1_048_576  # octets that are read at once
_LONGEST_NAME = 250  # octets, with room for a number
_ADDRESS = re.compile(r"[!-~]+@[!-~]+")


def main(argv: Sequence[str]) -> int:
    """Run the command with the arguments that follow its name; the exit code."""
    parser = command.parser(
        "export",
        "Messages as one mbox on standard output, or as .eml files in a folder. The mail stays as it is.",
        "letterbox export --mailbox alice > alice.mbox",
    )
    parser.add_argument("message", nargs="*", help="numbers in `list`, or ids (all, the oldest first)")
    parser.add_argument(
        "--eml", action="store_true", help="a message as it came, with CRLF; several need --folder"
    )
    parser.add_argument(
        "--folder",
        type=Path,
        metavar="FOLDER",
        help="write one .eml file a message into it; none that is there is overwritten",
    )
    return command.run(parser.parse_args(argv), _export)


def _export(arguments: argparse.Namespace) -> int:
    if arguments.message:
        chosen: Iterable[Stored] = command.messages(arguments, arguments.message)
    else:
        chosen = selection.everything(command.maildirs(arguments))
    if arguments.folder:
        return _files(chosen, arguments.folder)
    if sys.stdout.isatty():
        raise command.Failure(
            "mail is not for a terminal: redirect it, as in `letterbox export > mail.mbox`", 2
        )
    out = sys.stdout.buffer
    if arguments.eml:
        several = list(chosen)
        if len(several) != 1:
            raise command.Failure(
                f"--eml writes one message, and these are {len(several)}: name one, or use --folder", 2
            )
        with os.fdopen(stored.open_file(several[0]), "rb") as file:
            shutil.copyfileobj(file, out)
    else:
        for message, stored_file in _opened(chosen):
            with stored_file:
                write_mbox(message, stored_file, out)
    out.flush()
    return 0


def _opened(chosen: Iterable[Stored]) -> Iterator[tuple[Stored, BinaryIO]]:
    """Each message with its file; one that is gone by now is said and passed over. Raises OSError."""
    for message in chosen:
        try:
            yield message, os.fdopen(stored.open_file(message), "rb")
        except FileNotFoundError:
            selection.pass_over(message)


def _files(chosen: Iterable[Stored], folder: Path) -> int:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    written = there = 0
    for message, file in _opened(chosen):
        with file:
            if _write_eml(file, folder, file_name(message)):
                written += 1
            else:
                there += 1
    already = f"; {there} were there already" if there else ""
    print(f"{written} message(s) written to {folder}{already}", file=sys.stderr)
    return 0


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


def write_mbox(message: Stored, file: BinaryIO, out: BinaryIO) -> None:
    """One message with its separator line before and an empty line behind it."""
    head = file.peek(4096)[:4096]  # type: ignore[attr-defined]
    reverse_path = (headers.first(head, "return-path") or "").strip("<>")
    sender = reverse_path if _ADDRESS.fullmatch(reverse_path) else "MAILER-DAEMON"
    moment = time.gmtime(message.arrived)
    out.write(f"From {sender} {time.asctime(moment)}\n".encode())
    for block in quoted(file):
        out.write(block)
    out.write(b"\n")


def quoted(file: BinaryIO) -> Iterator[bytes]:
    """The file with LF line ends, the last line too, and quoted for an mbox; lines of any length."""
    rest, ended = b"", True
    while block := file.read(_BLOCK):
        block = rest + block
        cut = block.rfind(b"\n") + 1 or len(block) - block.endswith(b"\r")
        block, rest = block[:cut], block[cut:]
        plain = _FROM.sub(rb"\1>\2", (b"\n" if ended else b"") + block.replace(b"\r\n", b"\n"))
        yield plain[1:] if ended else plain
        ended = block.endswith(b"\n")
    if rest:
        yield b">" + rest if ended and rest.lstrip(b">").startswith(b"From ") else rest
    if rest or not ended:
        yield b"\n"
