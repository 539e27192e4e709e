"""What both commands need: the configuration, the mail folder's user, the socket, and how a run ends."""

from __future__ import annotations

import argparse
import errno
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from receiver.bucket.client import Client, connect
from receiver.cli import configuration, terminal
from receiver.cli.command import Failure, add_form, print_json, wants_json
from receiver.cli.terminal import Screen
from receiver.config.load import ConfigError, load
from receiver.config.values import Config
from receiver.system import privileges
from receiver.system.journal import log
from receiver.transfer import local_mail
from receiver.transfer.fetching import Clients
from receiver.transfer.known import Known
from receiver.transfer.outcome import Away, Outcome

TIMEOUT = 20.0  # seconds that one request may take; the service itself gives up after 14
_SHOW_EVERY = 0.2  # seconds between changes of the live line
_SAY_AGAIN = 3600.0  # seconds
_LATE = ("receiver.encoded_words", "webencodings", "_strptime")


def parser(name: str, what: str, epilog: str, follow: str) -> argparse.ArgumentParser:
    """A parser with the arguments that both commands have."""
    made = argparse.ArgumentParser(
        prog=f"letterbox {name}",
        description=what,
        epilog=f"{epilog} Exit codes: 0 done; 1 something was left out, and why; 2 wrong usage; 75 the "
        "bucket does not answer; 77 not permitted; 78 the configuration is wrong.",
    )
    made.add_argument(
        "--config", type=Path, metavar="FILE", default=configuration.PATH, help=f"({configuration.PATH})"
    )
    made.add_argument("--follow", action="store_true", help=follow)
    add_form(made)
    return made


def opened(arguments: argparse.Namespace) -> tuple[Config, Clients]:
    """The configuration, and connections to the bucket's service. Gives root up.

    Raises Failure, and PermissionError. A run that ends by itself does not wait for a service that is down.
    """
    path: Path = arguments.config
    if path.exists():
        path.open("rb").close()  # If this is not permitted, the configuration is not wrong.
    try:
        config = load(path)
    except ConfigError as error:
        raise Failure(str(error).replace("\n", "\nletterbox: "), os.EX_CONFIG) from None
    if config.store is None:
        raise Failure(f'{path}: no bucket: name one as "store" in inventory.py, and deploy', os.EX_CONFIG)
    privileges.give_up(privileges.owner(config.mail), late=_LATE)
    if config.mail.exists() and not os.access(config.mail, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(config.mail))
    socket = config.store.socket
    if not arguments.follow:
        try:
            connect(str(socket), TIMEOUT).close()
        except OSError as error:
            raise no_answer(f"{socket}: {error.strerror or error}") from None
    return config, Clients(lambda: Client(socket, TIMEOUT))


def no_answer(error: object) -> Failure:
    """The service of the bucket, or the bucket, does not answer."""
    return Failure(
        f"the bucket does not answer: {error}: `letterbox doctor` says which step fails", os.EX_TEMPFAIL
    )


def index(config: Config, known: Known, show: Callable[[str], None], outcome: Outcome) -> None:
    """Enter the messages that lie here already, once, so that no pull brings them a second time.

    A file that cannot be read holds nothing up. The outcome has it.

    Without it, a message whose retry another host took would come twice to this host. Raises OSError.
    """
    if known.journal.marked("indexed") is not None:
        return
    batch = []
    for number, each in enumerate(local_mail.everything(config, outcome.unreadable), 1):
        batch.append(each.message)
        if len(batch) == 1000:
            known.had(batch)
            batch.clear()
            show(f"{number} messages here are noted")
    known.had(batch)
    known.journal.mark("indexed", str(int(time.time())))


def say(text: str) -> None:
    print(f"letterbox: {text}", file=sys.stderr, flush=True)


def report(outcome: Outcome, arguments: argparse.Namespace) -> int:
    """Print what a run has done, and return the exit code."""
    screen = Screen(sys.stderr)
    screen.live("")
    for text in outcome.problems:
        screen.line(f"letterbox: {terminal.plain(text)}")
    if wants_json(arguments):
        print_json(outcome.to_json())
    else:
        Screen().line(outcome.sentence)
    return 0 if outcome.is_good else 1


def live(arguments: argparse.Namespace) -> Callable[[str], None]:
    """What shows on a terminal how far a run is."""
    screen, shown = Screen(sys.stderr), 0.0

    def show(text: str) -> None:
        nonlocal shown
        if time.monotonic() - shown > _SHOW_EVERY and not arguments.follow:
            shown = time.monotonic()
            screen.live(terminal.plain(text))

    return show


class Log:
    """The lines of a process that follows: what it moved, and each trouble once an hour while it lasts."""

    def __init__(self, event: str) -> None:
        self._event = event
        self._said: dict[str, float] = {}  # when each trouble was said, by the monotonic clock
        self._is_away = False

    def away(self, error: Away) -> None:
        if not self._is_away:
            log("error", error=error, note=f"nothing is {self._event} until it answers again")
        self._is_away = True

    def done(self, outcome: Outcome) -> None:
        if self._is_away:
            self._is_away = False
            log("bucket", note="it answers again")
        now = time.monotonic()
        self._said = {text: at for text, at in self._said.items() if now < at + _SAY_AGAIN}
        for text in outcome.problems:
            if text not in self._said:
                self._said[text] = now
                log("error", error=text)
        if outcome.moved:
            log(self._event, messages=outcome.moved, size=outcome.octets)
