"""`letterbox wait` and `letterbox follow`: messages as they arrive.

Nothing runs for that: the folders' times are looked at a few times a second, and their names are read when
a folder has changed.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

from receiver.reading import command, selection, show, stored, summary, terminal
from receiver.reading.listing import row
from receiver.reading.stored import Maildir, Stored
from receiver.reading.summary import Summary
from receiver.reading.terminal import Screen

_PAUSE = 0.1  # seconds
_TICK = 1_000_000_000  # ns in which a folder may change twice and show one time
_LONGEST_DELIVERY = 3600 * 2  # seconds from a message's beginning, its name's time, to its arrival


class Arrivals:
    """The messages under a mail folder that were not there at the look before."""

    def __init__(self, boxes: Callable[[], list[Maildir]]) -> None:
        self._boxes = boxes
        self._seen: set[str] = set()
        self._changed: dict[str, int] = {}
        self.look()

    def look(self) -> list[Stored]:
        """Those that arrived since the last look, the oldest first. Raises OSError."""
        found: list[Stored] = []
        for box in self._boxes():
            if self._has_changed(box):
                for message in stored.everything([box]):
                    key = f"{box.path}/{message.name}"
                    if key not in self._seen:
                        self._seen.add(key)
                        if selection.is_message(message):
                            found.append(message)
        return sorted(found, key=lambda each: each.name)

    def _has_changed(self, box: Maildir) -> bool:
        changed = False
        for part in ("new", "cur"):
            folder = f"{box.path}/{part}"
            try:
                then = Path(folder).stat().st_mtime_ns
            except OSError:
                continue
            if self._changed.get(folder) != then:
                changed = True
                # One that changed just now may change again in the same tick of the clock.
                self._changed[folder] = then if time.time_ns() - then > _TICK else -1
        return changed


def wait(argv: Sequence[str]) -> int:
    """Run `letterbox wait` with the arguments that follow its name; the exit code."""
    parser = command.parser(
        "wait",
        "Wait for a message, show it, and end with 0; with 1 if none came in time.",
        "letterbox wait --to alice@example.com --timeout 60 --json",
    )
    parser.add_argument(
        "--to", metavar="X", help="an address mail was sent to, also an alias; or a mailbox (any)"
    )
    parser.add_argument("--subject", metavar="TEXT", help="only one with this in its subject")
    parser.add_argument("--timeout", type=_seconds, default=300.0, metavar="S", help="seconds (300)")
    parser.add_argument(
        "--since", type=_seconds, default=0.0, metavar="S", help="count those of the last S seconds too (0)"
    )
    return command.run(parser.parse_args(argv), _wait, with_root=_look_up_alias)


def follow(argv: Sequence[str]) -> int:
    """Run `letterbox follow` with the arguments that follow its name; the exit code."""
    parser = command.parser("follow", "A line for each message that arrives, until Ctrl-C.")
    return command.run(parser.parse_args(argv), _follow)


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1
    if not 0 <= value <= 1e9:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds")
    return value


def _wait(arguments: argparse.Namespace) -> int:
    began = time.monotonic()
    arrivals = Arrivals(lambda: _maildirs(arguments))
    screen = Screen()
    candidates = [*_recent(arguments), *arrivals.look()]
    while True:
        for message in candidates:
            if _is_wanted(message, arguments):
                screen.live("")
                return show.print_message(message, arguments)
        left = arguments.timeout - (time.monotonic() - began)
        if left <= 0:
            screen.live("")
            goal = f" for {arguments.to}" if arguments.to else ""
            raise command.Failure(f"no message{goal} in {arguments.timeout:g} s: see `letterbox doctor`")
        if not command.wants_json(arguments):
            screen.live(f"waiting for a message, {left:.0f} s left")
        time.sleep(min(_PAUSE, left))
        candidates = arrivals.look()


def _recent(arguments: argparse.Namespace) -> Iterator[Stored]:
    """What arrived in the last --since seconds, by the time of its file, not by its name's."""
    if not arguments.since:
        return
    oldest = time.time() - arguments.since
    for message in selection.everything(_maildirs(arguments)):
        if message.arrived > oldest - _LONGEST_DELIVERY:
            try:
                if os.lstat(message.path).st_mtime >= oldest:
                    yield message
            except OSError:
                continue


def _is_wanted(message: Stored, arguments: argparse.Namespace) -> bool:
    each = _read(message)
    if each is None or not is_for(each, arguments.to, arguments.reached):
        return False
    return arguments.subject is None or arguments.subject in each.subject


def is_for(each: Summary, to: str | None, reached: Collection[str] = ()) -> bool:
    """Whether a message was sent to that address, or lies in the mailbox of that name; any was without one.

    Our own Received field names the recipient, as the sender did, where there was one. Where there were
    several, the configuration tells: `reached` are the mailboxes to which it delivers mail for the address.
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
    """The mailboxes that the configuration has for the address that is waited for, as mailbox@domain.

    Empty where no configuration can be read: then what was delivered tells alone.
    """
    from receiver import addresses, config, recipients  # not where nobody waits for an address

    path = arguments.config or command.CONFIGURATION
    if not arguments.to or (arguments.mail and not arguments.config) or not os.path.lexists(path):
        return ()
    try:
        read = config.load(path)
        directory = recipients.Directory(read.domains, read.addresses)
        found = directory.destinations(addresses.parse_address(arguments.to))
    except (config.ConfigError, addresses.AddressError, recipients.UnknownRecipient, OSError):
        return ()
    return {str(each.mailbox) for each in found}


def _read(message: Stored) -> Summary | None:
    """None where the file is gone: a reader may take a message away at any time."""
    try:
        return summary.read(message)
    except OSError:
        return None


def _follow(arguments: argparse.Namespace) -> int:
    arrivals = Arrivals(lambda: _maildirs(arguments))
    screen = Screen()
    as_json = command.wants_json(arguments)
    try:
        while True:
            for message in arrivals.look():
                each = _read(message)
                if each is None:
                    continue
                if as_json:
                    command.print_json(each.to_json())
                    continue
                arrived, sender, subject, box, size, tls = row(each)
                line = f"{arrived}  {sender}  {screen.styled(subject, terminal.BOLD)}  {box}  {size}  {tls}"
                screen.line(line)
            time.sleep(_PAUSE)
    except KeyboardInterrupt:
        return 0


def _maildirs(arguments: argparse.Namespace) -> list[Maildir]:
    """The mailboxes there are by now: one that never got mail has no folder yet."""
    mail = command.mail_folder(arguments)
    try:
        return stored.maildirs(mail, arguments.mailbox.lower() if arguments.mailbox else None)
    except FileNotFoundError:
        return []
