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

from receiver.reading import command, headers, stored
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
    parser.add_argument("--folder", type=Path, metavar="FOLDER", help="write one .eml file a message into it")
    return command.run(parser.parse_args(argv), _export)


def _export(arguments: argparse.Namespace) -> int:
    if arguments.message:
        chosen: Iterable[Stored] = command.messages(arguments, arguments.message)
    else:
        chosen = stored.everything(command.maildirs(arguments))
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
        for message in chosen:
            with os.fdopen(stored.open_file(message), "rb") as file:
                write_mbox(message, file, out)
    out.flush()
    return 0


def _files(chosen: Iterable[Stored], folder: Path) -> int:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    count = 0
    for message in chosen:
        # Its own name and nothing from inside the message: a sender has no say in it.
        name = f"{message.maildir.mailbox}.{message.name}.eml".replace("/", "_")
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        with (
            os.fdopen(stored.open_file(message), "rb") as file,
            os.fdopen(os.open(folder / name, flags, 0o600), "wb") as out,
        ):
            shutil.copyfileobj(file, out)
        count += 1
    print(f"{count} message(s) in {folder}", file=sys.stderr)
    return 0


def write_mbox(message: Stored, file: BinaryIO, out: BinaryIO) -> None:
    """One message with its separator line before and an empty line behind it."""
    reverse_path = headers.parse(file.peek(4096)[:4096]).text("return-path").strip("<>")  # type: ignore[attr-defined]
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
