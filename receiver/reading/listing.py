"""`letterbox list`: the newest messages first. Reads the names of all, and the headers of those shown."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

from receiver.cli import terminal
from receiver.cli.command import print_json, wants_json
from receiver.cli.terminal import Screen
from receiver.one_time import MAILBOX
from receiver.reading import command, selection, stored, summary
from receiver.reading.summary import Summary

_HEADS = ("#", "Arrived", "From", "Subject", "Mailbox", "Size", "TLS")


def main(argv: Sequence[str]) -> int:
    """Run the command with the arguments that follow its name; the exit code."""
    parser = command.parser("list", "The newest messages first.", "letterbox list --mailbox alice -n 10")
    parser.add_argument("-n", "--number", type=_count, default=50, metavar="N", help="how many (50)")
    return command.run(parser.parse_args(argv), _list)


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= 1_000_000):
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 to 1000000")
    return int(text)


def _list(arguments: argparse.Namespace) -> int:
    summaries = []
    for message in selection.newest(command.maildirs(arguments), arguments.number):
        try:
            summaries.append(summary.read(message))
        except FileNotFoundError:
            continue  # moved or removed since we saw its name
    if wants_json(arguments):
        for each in summaries:
            print_json(each.to_json())
        return 0
    screen = Screen()
    if summaries:
        rows = [[str(number), *row(each)] for number, each in enumerate(summaries, 1)]
        terminal.table(screen, _HEADS, rows, flexible=(2, 3, 4), right=5)
    else:
        screen.line("No mail yet. `letterbox proof` waits for a first message with you.")
    if not arguments.mailbox and (proofs := _proofs(arguments)):
        screen.line(f"Messages of proofs: {proofs}. `letterbox list --mailbox {MAILBOX}` lists them.")
    return 0


def _proofs(arguments: argparse.Namespace) -> int:
    """How many messages proved that mail arrives, which are in a mailbox of their own."""
    boxes = stored.maildirs(command.mail_folder(arguments), MAILBOX)
    return sum(1 for _ in selection.everything(boxes))


def row(each: Summary) -> list[str]:
    """Arrived, from, subject, mailbox, size, TLS: texts that a terminal can have."""
    moment = time.localtime(each.stored.arrived)
    recent = time.time() - each.stored.arrived < 180 * 86400
    return [
        time.strftime("%d %b %H:%M" if recent else "%d %b  %Y", moment),
        terminal.plain(each.sender) or terminal.plain(f"<{each.reverse_path}>"),
        terminal.plain(each.subject) or "(no subject)",
        terminal.plain(str(each.stored.maildir)),
        terminal.size(each.size),
        each.tls.removeprefix("TLSv") or "-",
    ]
