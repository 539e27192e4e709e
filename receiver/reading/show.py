"""`letterbox show`: the headers and the text of a message, and the names of its attachments."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

from receiver import headers
from receiver.cli import terminal
from receiver.cli.command import print_json, wants_json
from receiver.cli.terminal import Screen
from receiver.content import content
from receiver.reading import command, marks, message_json, stored, summary
from receiver.reading.stored import Stored
from receiver.reading.summary import Summary

_FIELDS = ("from", "to", "cc", "reply-to", "subject", "date")


def main(argv: Sequence[str]) -> int:
    """Run the command and return its exit code. `argv` has the arguments that follow its name."""
    parser = command.parser(
        "show", "Show one message: headers, text, and the names of its attachments.", "letterbox show 1"
    )
    parser.add_argument(
        "message", nargs="?", default="1", help="its number in `list`, its id, or the path of its file (1)"
    )
    parser.add_argument("--headers", action="store_true", help="show all header fields, in order")
    return command.run(parser.parse_args(argv), _show)


def _show(arguments: argparse.Namespace) -> int:
    (message,) = command.messages(arguments, [arguments.message])
    print_message(message, arguments, with_headers=arguments.headers)
    return 0


def print_message(message: Stored, arguments: argparse.Namespace, *, with_headers: bool = False) -> Summary:
    """Print one message in the form that the arguments ask for, and return its summary.

    Raises OSError if its file cannot be read.
    """
    octets, head = stored.content(message), stored.head(message)[0]
    # From here on we parse a stranger's octets and open no file.
    holds, fields = content.read(octets), headers.parse_fields(head)
    short = summary.summary(message, fields, len(octets))
    if wants_json(arguments):
        print_json(message_json.to_json(short, holds, fields if with_headers else None))
        return short
    screen = Screen()
    if with_headers:
        for name, raw in fields.all:
            screen.line(screen.styled(f"{name}: ", terminal.BOLD) + terminal.plain(fields.decode(raw)))
    else:
        for name in _FIELDS:
            _field(screen, name.capitalize(), fields.text(name))
    verdict = short.verdict
    marks.print_sentence(screen, verdict.sentence, verdict.is_authentic, is_spam=short.is_spam)
    for name, value in arrival(short).items():
        _field(screen, name, value)
    for each in holds.attachments:
        _field(
            screen, "Attached", f"{each.name or 'no name'}  {each.type}  {terminal.size(each.encoded_size)}"
        )
    for note in holds.notes:
        _field(screen, "Note", note)
    screen.line()
    screen.line(terminal.plain_lines(holds.text).rstrip("\n"))
    for inside in holds.inside:
        if inside.attached:
            screen.line("\n-------- Attached message --------")
            for name, value in inside.fields.items():
                _field(screen, name, value)
            screen.line()
            screen.line(terminal.plain_lines(inside.content.text).rstrip("\n"))
    return short


def _field(screen: Screen, name: str, value: str) -> None:
    if value := terminal.plain(value):
        screen.line(f"{screen.styled(f'{name:<9}', terminal.BOLD)} {value}")


def arrival(short: Summary) -> dict[str, str]:
    """How the message arrived and where it is stored, as lines for people."""
    arrived = time.strftime("%a, %d %b %Y %H:%M:%S %z", time.localtime(short.stored.arrived))
    # A message that was imported has no fields of ours, so nothing is known of its way here.
    peer = f"{short.peer or 'unknown'}" if short.protocol else ""
    encrypted = f"{short.tls}, {short.cipher}" if short.tls else "no" if short.protocol else ""
    goal = short.delivered_to or str(short.stored.maildir)
    if short.sent_to.lower() not in ("", goal.lower()):
        goal += f" (sent to {short.sent_to})"
    name = f" ({short.verdict.reverse_name})" if short.verdict.reverse_name else ""
    return {
        "Arrived": f"{arrived}, for {goal}",
        "Peer": f"{peer}{name}, which calls itself {short.helo or 'nothing'}" if peer else "",
        "TLS": encrypted,
        "Size": f"{short.size} octets",
        "Lies in": short.stored.path,
    }
