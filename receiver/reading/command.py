"""What the reading commands share: which mail they read, and reading it without root."""

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

# What is imported when it is needed, for a Python that only root may read.
LATE = ("receiver.content.html", "receiver.encoded_words", "nh3", "webencodings", "socket", "threading")
_TRIED = Path("./mail")  # where `letterbox serve` stores without a configuration


def parser(name: str, what: str, epilog: str | None = None) -> argparse.ArgumentParser:
    """A parser with the arguments that say where mail is and how to show it."""
    made = argparse.ArgumentParser(prog=f"letterbox {name}", description=what, epilog=epilog)
    made.add_argument(
        "--config", type=Path, metavar="FILE", help=f"whose mail folder to read ({configuration.PATH})"
    )
    made.add_argument("--mail", type=Path, metavar="FOLDER", help="the mail folder, instead of --config")
    made.add_argument(
        "--mailbox", metavar="NAME", help="only this one, as alice or alice@example.com (all of them)"
    )
    add_form(made)
    return made


def run(
    arguments: argparse.Namespace,
    work: Callable[[argparse.Namespace], int],
    *,
    with_root: Callable[[argparse.Namespace], None] = lambda arguments: None,
) -> int:
    """Do work that parses what strangers wrote: root is given up first.

    What may need root is done before that: `with_root` is called, and the configuration is read, so that
    `arguments.mail` says where the mail is.
    """

    def unprivileged() -> int:
        with_root(arguments)
        arguments.mail = mail_folder(arguments)
        privileges.give_up(privileges.owner(arguments.mail), late=LATE)
        return work(arguments)

    return run_command(unprivileged)


def mail_folder(arguments: argparse.Namespace) -> Path:
    """Where the mail is: --mail, the configuration's, else that of a try without one. Raises Failure."""
    if arguments.mail:
        return Path(arguments.mail)
    if not arguments.config and not os.path.lexists(configuration.PATH) and _TRIED.is_dir():
        return _TRIED
    return configuration.mail_folder(arguments.config)


def maildirs(arguments: argparse.Namespace) -> list[Maildir]:
    """The mailboxes that the arguments ask for. Raises OSError, and Failure if there are none."""
    mail = mail_folder(arguments)
    try:
        wanted: str | None = arguments.mailbox
        found = stored.maildirs(mail, wanted.lower() if wanted else None)
    except FileNotFoundError:
        raise Failure(f"{mail}: there is no such folder: name the mail folder with --mail") from None
    if wanted and not found:
        known = ", ".join(str(each) for each in stored.maildirs(mail)) or "none: nothing was received yet"
        raise Failure(f"no mail was received for {wanted}; mailboxes with mail: {known}")
    return found


def messages(arguments: argparse.Namespace, wanted: Sequence[str]) -> list[stored.Stored]:
    """The messages that the user names: by identity, file name, path, or number in `list`. Raises Failure."""
    boxes = maildirs(arguments)
    found = []
    for name in wanted:
        if name.isascii() and name.isdigit() and len(name) < 7:
            newest = selection.newest(boxes, int(name))
            hits = newest[int(name) - 1 :] if int(name) else []
        else:
            hits = selection.find(boxes, name)
        if not hits:
            raise Failure(f"{name}: no such message: `letterbox list` shows them, and their numbers")
        found.append(hits[0])
    return found
