"""`letterbox export`: messages as an mbox (RFC 4155) or as .eml files.

The mbox is an mboxrd. Its lines end in LF. A line that begins with `From ` after any number of `>` gets one
more `>`, so a reader can undo the quoting. An .eml file is the stored file, octet for octet.
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

from receiver import headers
from receiver.cli.command import Failure, run_command
from receiver.reading import command, eml_files, selection, stored
from receiver.reading.stored import Stored
from receiver.system import privileges

_FROM = re.compile(rb"(\n)(>*From )")
_BLOCK = 1_048_576  # octets to read at a time
_ADDRESS = re.compile(r"[!-~]+@[!-~]+")


def main(argv: Sequence[str]) -> int:
    """Run the command and return its exit code. `argv` has the arguments that follow its name."""
    parser = command.parser(
        "export",
        "Write messages as one mbox to standard output, or as .eml files into a folder. The mail stays.",
        "letterbox export --mailbox alice > alice.mbox",
    )
    parser.add_argument("message", nargs="*", help="numbers in `list`, or ids (all, the oldest first)")
    parser.add_argument(
        "--eml", action="store_true", help="write one message as it came, with CRLF; for several use --folder"
    )
    parser.add_argument(
        "--folder",
        type=Path,
        metavar="FOLDER",
        help="write one .eml file for each message into it; existing files stay",
    )
    arguments = parser.parse_args(argv)
    if arguments.folder:
        return run_command(lambda: _into_folder(arguments))
    return command.run(arguments, _export)


def _chosen(arguments: argparse.Namespace) -> Iterable[Stored]:
    if arguments.message:
        return command.messages(arguments, arguments.message)
    return selection.everything(command.maildirs(arguments))


def _into_folder(arguments: argparse.Namespace) -> int:
    """Write .eml files. If we are root, root writes them but neither opens nor reads mail."""
    arguments.mail = command.mail_folder(arguments)
    return eml_files.write(
        arguments.folder, privileges.owner(arguments.mail), lambda: _opened(_chosen(arguments))
    )


def _export(arguments: argparse.Namespace) -> int:
    chosen = _chosen(arguments)
    if sys.stdout.isatty():
        raise Failure(
            "mail is not written to a terminal: redirect it, as in `letterbox export > mail.mbox`", 2
        )
    out = sys.stdout.buffer
    if arguments.eml:
        several = list(chosen)
        if len(several) != 1:
            raise Failure(f"--eml writes one message, not {len(several)}: name one, or use --folder", 2)
        with os.fdopen(stored.open_file(several[0]), "rb") as file:
            shutil.copyfileobj(file, out)
    else:
        for message, stored_file in _opened(chosen):
            with stored_file:
                write_mbox(message, stored_file, out)
    out.flush()
    return 0


def _opened(chosen: Iterable[Stored]) -> Iterator[tuple[Stored, BinaryIO]]:
    """Each message with its open file. Reports and skips a message that is gone. Raises OSError."""
    for message in chosen:
        try:
            yield message, os.fdopen(stored.open_file(message), "rb")
        except FileNotFoundError:
            selection.report_gone(message)


def write_mbox(message: Stored, file: BinaryIO, out: BinaryIO) -> None:
    """Write one message, with its separator line before it and an empty line after it."""
    head = file.peek(4096)[:4096]  # type: ignore[attr-defined]
    reverse_path = (headers.first_text(head, "return-path") or "").strip("<>")
    sender = reverse_path if _ADDRESS.fullmatch(reverse_path) else "MAILER-DAEMON"
    moment = time.gmtime(message.arrived)
    out.write(f"From {sender} {time.asctime(moment)}\n".encode())
    for block in quoted(file):
        out.write(block)
    out.write(b"\n")


def quoted(file: BinaryIO) -> Iterator[bytes]:
    """The blocks of a file, with LF line ends and quoted for an mbox. The last line gets a line end, too."""
    rest, ended = b"", True
    while block := file.read(_BLOCK):
        block = rest + block
        cut = block.rfind(b"\n") + 1 or len(block) - block.endswith(b"\r")
        block, rest = block[:cut], block[cut:]
        marked = _FROM.sub(rb"\1>\2", (b"\n" if ended else b"") + block.replace(b"\r\n", b"\n"))
        yield marked[1:] if ended else marked
        ended = block.endswith(b"\n")
    if rest:
        yield b">" + rest if ended and rest.lstrip(b">").startswith(b"From ") else rest
    if rest or not ended:
        yield b"\n"
