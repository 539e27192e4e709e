"""The parts that the reading commands share: finding the mail, and reading it without root."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from receiver.cli import configuration
from receiver.cli.command import Failure, add_form, run_command
from receiver.reading import selection, stored
from receiver.reading.stored import Maildir
from receiver.system import privileges

# Modules that are imported late. Only root may be able to read them, so they are imported before it is given
# up.
LATE = ("receiver.content.html", "receiver.encoded_words", "nh3", "webencodings", "socket", "threading")
_WITHOUT_CONFIGURATION = Path("./mail")  # where `letterbox serve` stores mail without a configuration


def parser(
    name: str,
    what: str,
    epilog: str | None = None,
    *,
    mailbox: str = "only this mailbox, as alice or alice@example.com (all)",
) -> argparse.ArgumentParser:
    """A parser with the arguments that all reading commands have. `mailbox` is the help for --mailbox."""
    made = argparse.ArgumentParser(prog=f"letterbox {name}", description=what, epilog=epilog)
    made.add_argument(
        "--config", type=Path, metavar="FILE", help=f"whose mail folder to read ({configuration.PATH})"
    )
    made.add_argument("--mail", type=Path, metavar="FOLDER", help="the mail folder, instead of --config")
    made.add_argument("--mailbox", metavar="NAME", help=mailbox)
    add_form(made)
    return made


def run(
    arguments: argparse.Namespace,
    work: Callable[[argparse.Namespace], int],
    *,
    with_root: Callable[[argparse.Namespace], None] = lambda arguments: None,
) -> int:
    """Run work that parses what strangers wrote, after giving up root. Returns the exit code.

    Before that, as root, this calls `with_root`, reads the configuration and sets `arguments.mail`.
    """

    def unprivileged() -> int:
        with_root(arguments)
        # The folder of a configuration may be missing: the service makes it when it first starts.
        if arguments.mail and not arguments.mail.is_dir():
            raise Failure(f"{arguments.mail}: no such folder: name the mail folder with --mail")
        arguments.mail = mail_folder(arguments)
        privileges.give_up(privileges.owner(arguments.mail), late=LATE)
        return work(arguments)

    return run_command(unprivileged)


def mail_folder(arguments: argparse.Namespace) -> Path:
    """The mail folder: --mail, or that of the configuration, or ./mail without one. Raises Failure."""
    if arguments.mail:
        return Path(arguments.mail)
    if not arguments.config and not os.path.lexists(configuration.PATH) and _WITHOUT_CONFIGURATION.is_dir():
        return _WITHOUT_CONFIGURATION
    return configuration.mail_folder(arguments.config)


def maildirs(arguments: argparse.Namespace) -> list[Maildir]:
    """The mailboxes that the arguments ask for. Raises OSError, and Failure if one does not exist."""
    mail = mail_folder(arguments)
    try:
        wanted: str | None = arguments.mailbox
        found = stored.maildirs(mail, wanted.lower() if wanted else None)
    except FileNotFoundError:
        raise Failure(f"{mail}: no such folder: name the mail folder with --mail") from None
    if wanted and not found:
        known = ", ".join(str(each) for each in stored.maildirs(mail)) or "none yet"
        raise Failure(f"no mail was received for {wanted}; mailboxes with mail: {known}")
    return found


def messages(arguments: argparse.Namespace, wanted: Sequence[str]) -> list[stored.Stored]:
    """The messages that the user names by identity, file name, path, or number in `list`. Raises Failure."""
    boxes = maildirs(arguments)
    found = []
    for name in wanted:
        if name.isascii() and name.isdigit() and len(name) < 7:
            number = int(name)
            hits = selection.newest(boxes, number)[number - 1 :] if number else []
        else:
            hits = selection.find(boxes, name)
        if not hits:
            raise Failure(f"{name}: no such message: `letterbox list` shows them, and their numbers")
        found.append(hits[0])
    return found
