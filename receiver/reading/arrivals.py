"""`letterbox wait` and `letterbox follow`: messages as they arrive."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Collection, Iterator, Sequence

from receiver.cli import configuration, terminal
from receiver.cli.command import Failure, parse_seconds, print_json, wants_json
from receiver.cli.terminal import Screen
from receiver.reading import command, marks, renamed, selection, show, stored, summary
from receiver.reading.changes import Arrivals
from receiver.reading.listing import row
from receiver.reading.stored import Maildir, Stored
from receiver.reading.summary import Summary

EX_UNKNOWN = 3  # as `letterbox doctor` has it: nothing is known to be wrong, but it could not be told
_PAUSE = 0.1  # seconds
_LONGEST_DELIVERY = 3600 * 2  # seconds from the time in a message's name, when it began, to its arrival


def wait(argv: Sequence[str]) -> int:
    """Run `letterbox wait` and return its exit code. `argv` has the arguments that follow its name."""
    parser = command.parser(
        "wait",
        "Wait for a message and show it. Exit code 0, or 1 if none came in time. With --authentic also 1"
        " if it is not from the domain that it names, and 3 if that cannot be known or was not checked.",
        "letterbox wait --to alice@example.com --timeout 60 --json",
    )
    parser.add_argument(
        "--to", metavar="X", help="an address or alias that mail was sent to, or a mailbox (any)"
    )
    parser.add_argument("--subject", metavar="TEXT", help="only a message with this text in its subject")
    parser.add_argument("--timeout", type=parse_seconds, default=300.0, metavar="S", help="seconds (300)")
    parser.add_argument(
        "--since",
        type=parse_seconds,
        default=0.0,
        metavar="S",
        help="messages of the last S seconds count too (0)",
    )
    parser.add_argument(
        "--authentic",
        action="store_true",
        help="fail unless the message is really from the domain in its From field",
    )
    return command.run(parser.parse_args(argv), _wait, with_root=_look_up_alias)


def follow(argv: Sequence[str]) -> int:
    """Run `letterbox follow` and return its exit code. `argv` has the arguments that follow its name."""
    parser = command.parser("follow", "Print a line for each message that arrives, until Ctrl-C.")
    return command.run(parser.parse_args(argv), _follow)


def _wait(arguments: argparse.Namespace) -> int:
    began = time.monotonic()
    arrivals = Arrivals(lambda: _maildirs(arguments))
    screen = Screen()
    candidates = [*_recent(arguments), *arrivals.look()]
    while True:
        for message in candidates:
            if _is_wanted(message, arguments):
                screen.live("")
                verdict = show.print_message(message, arguments).verdict
                if arguments.authentic and not verdict.is_authentic:
                    code = EX_UNKNOWN if verdict.is_authentic is None else 1
                    raise Failure(f"not authentic: {terminal.plain(verdict.sentence)}", code)
                return 0
        left = arguments.timeout - (time.monotonic() - began)
        if left <= 0:
            screen.live("")
            goal = f" for {arguments.to}" if arguments.to else ""
            raise Failure(f"no message{goal} in {arguments.timeout:g} s: see `letterbox doctor`")
        if not wants_json(arguments):
            screen.live(f"waiting for a message, {left:.0f} s left")
        time.sleep(min(_PAUSE, left))
        candidates = arrivals.look()


def _recent(arguments: argparse.Namespace) -> Iterator[Stored]:
    """The messages of the last --since seconds. The time of the file counts, not the time in its name.

    A message that a mail client wrote did not arrive.
    """
    if not arguments.since:
        return
    oldest = time.time() - arguments.since
    for message in selection.everything(_maildirs(arguments)):
        if message.arrived > oldest - _LONGEST_DELIVERY:
            try:
                if os.lstat(message.path).st_mtime >= oldest and renamed.received_identity(message):
                    yield message
            except OSError:
                continue


def _is_wanted(message: Stored, arguments: argparse.Namespace) -> bool:
    each = _read(message)
    if each is None or not is_for(each, arguments.to, arguments.reached):
        return False
    return arguments.subject is None or arguments.subject in each.subject


def is_for(each: Summary, to: str | None, reached: Collection[str] = ()) -> bool:
    """Whether a message was sent to the address `to`, or is in the mailbox `to`. True if `to` is None.

    If a message had one recipient, our Received field has the address as the sender wrote it. If it had
    several, the configuration decides. `reached` are the mailboxes that get mail for the address.
    """
    if to is None:
        return True
    wanted, box, sent_to = to.lower(), each.stored.maildir, each.sent_to.lower()
    names = {each.delivered_to.lower(), str(box).lower(), box.mailbox.lower(), sent_to}
    names.add(sent_to.rpartition("@")[0])
    return wanted in names - {""} or (not sent_to and str(box) in reached)


def _look_up_alias(arguments: argparse.Namespace) -> None:
    arguments.reached = _reached(arguments)


def _reached(arguments: argparse.Namespace) -> Collection[str]:
    """The mailboxes that get mail for the address in --to, as mailbox@domain.

    Empty if the configuration cannot be read. Then only the trace fields of the messages count.
    """
    # Imported late, because most calls wait for no address.
    from receiver.addresses import AddressError, parse_address
    from receiver.config.load import ConfigError, load
    from receiver.recipients import Directory, UnknownRecipient

    path = arguments.config or configuration.PATH
    if not arguments.to or (arguments.mail and not arguments.config) or not os.path.lexists(path):
        return ()
    try:
        read = load(path)
        directory = Directory(read.domains, read.addresses)
        found = directory.destinations(parse_address(arguments.to))
    except (ConfigError, AddressError, UnknownRecipient, OSError):
        return ()
    return {str(each.mailbox) for each in found}


def _read(message: Stored) -> Summary | None:
    """The summary of a message. None if its file is gone, because a mail client may move it at any time."""
    try:
        return summary.read(message)
    except OSError:
        return None


def _follow(arguments: argparse.Namespace) -> int:
    arrivals = Arrivals(lambda: _maildirs(arguments))
    screen = Screen()
    in_json = wants_json(arguments)
    try:
        while True:
            for message in arrivals.look():
                each = _read(message)
                if each is None:
                    continue
                if in_json:
                    print_json(each.to_json())
                    continue
                arrived, real, *rest = row(each, screen)
                sender, subject, box, size, tls = rest
                shown = f"{screen.styled(real, *marks.style(real))}  {sender}"
                subject = screen.styled(subject, terminal.BOLD)
                screen.line(f"{arrived}  {shown}  {subject}  {box}  {size}  {tls}")
            time.sleep(_PAUSE)
    except KeyboardInterrupt:
        return 0


def _maildirs(arguments: argparse.Namespace) -> list[Maildir]:
    """The mailboxes that exist now. A mailbox gets its folder with its first message."""
    mail = command.mail_folder(arguments)
    try:
        return stored.maildirs(mail, arguments.mailbox.lower() if arguments.mailbox else None)
    except FileNotFoundError:
        return []
