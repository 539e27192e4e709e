"""`letterbox show`: one message, its text and what is attached. Nothing of it is opened or executed."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

from receiver.reading import command, headers, mime, stored, summary, terminal
from receiver.reading.mime import Part
from receiver.reading.stored import Stored
from receiver.reading.summary import Summary
from receiver.reading.terminal import Screen

_SHOWN = ("from", "to", "cc", "reply-to", "subject", "date")


def main(argv: Sequence[str]) -> int:
    """Run the command with the arguments that follow its name; the exit code."""
    parser = command.parser(
        "show", "One message: headers, text, and the names of what is attached.", "letterbox show 1"
    )
    parser.add_argument(
        "message", nargs="?", default="1", help="its number in `list`, its id, or the path of its file (1)"
    )
    parser.add_argument("--headers", action="store_true", help="all header fields, in order")
    return command.run(parser.parse_args(argv), _show)


def _show(arguments: argparse.Namespace) -> int:
    (message,) = command.messages(arguments, [arguments.message])
    return print_message(message, arguments, with_headers=arguments.headers)


def print_message(message: Stored, arguments: argparse.Namespace, *, with_headers: bool = False) -> int:
    """Show one message as the arguments say. Raises OSError where its file cannot be read."""
    octets = stored.content(message)
    leaves = mime.parts(octets)
    text = mime.body_text(octets, leaves)
    fields = headers.parse(stored.head(message)[0])
    short = summary.summary(message, fields, len(octets))
    if command.wants_json(arguments):
        command.print_json(details(short, leaves, text, fields if with_headers else None))
        return 0
    screen = Screen()
    if with_headers:
        for name, raw in fields.all:
            screen.line(screen.styled(f"{name}: ", terminal.BOLD) + terminal.plain(headers.decoded(raw)))
    else:
        for name in _SHOWN:
            if value := terminal.plain(fields.text(name)):
                screen.line(f"{screen.styled(f'{name.capitalize():<9}', terminal.BOLD)} {value}")
    for name, value in came(short).items():
        screen.line(f"{screen.styled(f'{name:<9}', terminal.BOLD)} {terminal.plain(value)}")
    for part in attachments(leaves):
        said = f"{part['name'] or 'no name'}  {part['type']}  {terminal.size(int(str(part['encoded_size'])))}"
        screen.line(f"{screen.styled('Attached ', terminal.BOLD)} {terminal.plain(said)}")
    screen.line()
    screen.line(terminal.plain_lines(text).rstrip("\n"))
    return 0


def details(
    short: Summary, leaves: list[Part], text: str, fields: headers.Fields | None = None
) -> dict[str, object]:
    """What `show --json` prints: all of `list --json`, the text and the attachments."""
    more: dict[str, object] = {"text": text, "attachments": attachments(leaves)}
    if fields is not None:
        more["headers"] = [[name, headers.decoded(value)] for name, value in fields.all]
    return {**short.to_json(), **more}


def attachments(leaves: Sequence[Part]) -> list[dict[str, object]]:
    """Name, type and size (in octets, as encoded) of each."""
    return [
        {"name": part.filename, "type": part.content_type, "encoded_size": part.end - part.start}
        for part in leaves
        if part.is_attachment
    ]


def came(short: Summary) -> dict[str, str]:
    """How the message came, and where it lies, for people."""
    arrived = time.strftime("%a, %d %b %Y %H:%M:%S %z", time.localtime(short.stored.arrived))
    encrypted = f"{short.tls}, {short.cipher}" if short.tls else "no"
    return {
        "Arrived": f"{arrived}, for {short.delivered_to or short.stored.maildir}",
        "Peer": f"{short.peer or 'unknown'}, which calls itself {short.helo or 'nothing'}",
        "TLS": encrypted,
        "Size": f"{short.size} octets",
        "Lies in": short.stored.path,
    }
