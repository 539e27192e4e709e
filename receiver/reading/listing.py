"""`letterbox list`: the newest messages first.

It reads the names of all messages, and the headers of those that it prints.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

from receiver.cli import terminal
from receiver.cli.command import print_json, wants_json
from receiver.cli.terminal import Screen
from receiver.one_time import MAILBOX
from receiver.reading import command, marks, selection, stored, summary
from receiver.reading.summary import Summary

_HEADS = ("#", "Arrived", "Real", "From", "Subject", "Mailbox", "Size", "TLS")


def main(argv: Sequence[str]) -> int:
    """Run the command and return its exit code. `argv` has the arguments that follow its name."""
    parser = command.parser("list", "List the newest messages first.", "letterbox list --mailbox alice -n 10")
    parser.add_argument(
        "-n", "--number", type=_count, default=50, metavar="N", help="list at most N messages (50)"
    )
    return command.run(parser.parse_args(argv), _list)


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= 1_000_000):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to 1000000")
    return int(text)


def _list(arguments: argparse.Namespace) -> int:
    summaries = []
    for message in selection.newest(command.maildirs(arguments), arguments.number):
        try:
            summaries.append(summary.read(message))
        except FileNotFoundError:
            continue  # The message was moved or removed after we read its name.
    if wants_json(arguments):
        for each in summaries:
            print_json(each.to_json())
        return 0
    screen = Screen()
    if summaries:
        rows = [[str(number), *row(each, screen)] for number, each in enumerate(summaries, 1)]
        terminal.table(screen, _HEADS, rows, flexible=(3, 4, 5), right=6, styles={2: marks.style})
    else:
        screen.line("No mail yet. `letterbox proof` waits for a first message with you.")
    if not arguments.mailbox and (proofs := _proofs(arguments)):
        screen.line(f"Messages of proofs: {proofs}. `letterbox list --mailbox {MAILBOX}` lists them.")
    return 0


def _proofs(arguments: argparse.Namespace) -> int:
    """How many messages proved that mail arrives, which are in a mailbox of their own."""
    boxes = stored.maildirs(command.mail_folder(arguments), MAILBOX)
    return sum(1 for _ in selection.everything(boxes))


def row(each: Summary, screen: Screen) -> list[str]:
    """The cells of a message: arrived, real, from, subject, mailbox, size, TLS.

    All are safe for a terminal.
    """
    moment = time.localtime(each.stored.arrived)
    recent = time.time() - each.stored.arrived < 180 * 86400
    return [
        time.strftime("%d %b %H:%M" if recent else "%d %b  %Y", moment),
        marks.mark(each, screen),
        terminal.plain(each.sender) or terminal.plain(f"<{each.reverse_path}>"),
        terminal.plain(each.subject) or "(no subject)",
        terminal.plain(each.stored.maildir.place),
        terminal.size(each.size),
        each.tls.removeprefix("TLSv") or "-",
    ]
