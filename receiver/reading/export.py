"""`letterbox export`: messages as an mbox (RFC 4155), or as .eml files, octet for octet.

In an mbox, lines end in LF, and a line that begins with `From ` after any number of `>` gets one more `>`,
so that it can be undone (the convention called mboxrd). An .eml file is the stored file.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from receiver import headers, privileges
from receiver.reading import command, eml_files, selection, stored
from receiver.reading.stored import Stored

_FROM = re.compile(rb"(\n)(>*From )")
_BLOCK = 1_048_576  # octets that are read at once
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
    arguments = parser.parse_args(argv)
    if arguments.folder:
        return command.guarded(arguments, _into_folder)
    return command.run(arguments, _export)


def _chosen(arguments: argparse.Namespace) -> Iterable[Stored]:
    if arguments.message:
        return command.messages(arguments, arguments.message)
    return selection.everything(command.maildirs(arguments))


def _into_folder(arguments: argparse.Namespace) -> int:
    """Root writes the files, where root asks for that; it opens none of the mail, and reads none."""
    arguments.mail = command.mail_folder(arguments)
    return eml_files.write(
        arguments.folder, privileges.owner(arguments.mail), lambda: _opened(_chosen(arguments))
    )


def _export(arguments: argparse.Namespace) -> int:
    chosen = _chosen(arguments)
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
