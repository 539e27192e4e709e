"""`letterbox import`: the command line. Root opens the source, and gives itself up before it is parsed."""

from __future__ import annotations

import argparse
import os
import socket
import stat
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import BinaryIO

from receiver.cli import configuration, terminal
from receiver.cli.command import Failure, add_form, print_json, run_command, run_reported, wants_json
from receiver.cli.terminal import Screen
from receiver.config.load import ConfigError, load
from receiver.config.values import Config
from receiver.importing import mailboxes, maildir
from receiver.importing.found import Found
from receiver.importing.index import Index
from receiver.importing.mbox import FORMS, Mbox
from receiver.importing.run import Import, Outcome
from receiver.importing.target import Busy, Target
from receiver.mailbox import Mailbox
from receiver.storage import leftovers
from receiver.system import privileges

_LATE = ("receiver.encoded_words", "webencodings")
_STANDARD_INPUT = "-"
_Work = Callable[[Iterable[Found | str], list[str]], int]


def main(argv: Sequence[str]) -> int:
    """Run the command and return its exit code. `argv` has the arguments that follow its name."""
    parser = argparse.ArgumentParser(
        prog="letterbox import",
        description="Import an mbox or a Maildir into a mailbox, byte for byte, with dates and flags. What"
        " the mailbox has already is not imported again, so running it again completes an import that was cut"
        " off. No hook is told, and no quota holds.",
        epilog="Example: ssh mx1 letterbox import alice@example.com - < old.mbox. Exit codes: 0 imported; 1"
        " something could not be imported; 2 wrong usage; 77 not permitted; 78 the configuration is wrong.",
    )
    parser.add_argument(
        "mailbox", metavar="MAILBOX", help="a mailbox of the configuration: alice@example.com"
    )
    parser.add_argument(
        "source", metavar="SOURCE", help="an mbox, the folder of a Maildir, or - (mbox on stdin)"
    )
    parser.add_argument(
        "--mbox",
        choices=FORMS,
        default=FORMS[0],
        metavar="FORM",
        help="mboxrd (the default: a line of `>` and `From ` loses one `>`), mboxo (only `>From ` does), "
        "mboxcl or mboxcl2 (Content-Length says where a message ends; mboxcl2 has no quoting)",
    )
    parser.add_argument(
        "--folder",
        metavar="NAME",
        help="import into a subfolder, such as Archive or Archive.2024 (Maildir++)",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="say what would be imported, and write nothing"
    )
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help=f"whose mailboxes these are ({configuration.PATH})"
    )
    add_form(parser)
    arguments = parser.parse_args(argv)
    return run_command(lambda: _run(arguments))


def _run(arguments: argparse.Namespace) -> int:
    path = arguments.config or configuration.PATH
    try:
        if path.exists():
            path.open("rb").close()  # `run_command` says what to do if that is not allowed
        config = load(path)
    except ConfigError as error:
        raise Failure(str(error).replace("\n", "\nletterbox: "), os.EX_CONFIG) from None
    mailbox = mailboxes.named(config, arguments.mailbox)
    subfolder = mailboxes.subfolder(arguments.folder) if arguments.folder else ""
    notes = mailboxes.notes(config, mailbox)
    if privileges.is_root() and not config.mail.is_dir():
        raise Failure(f"{config.mail}: no such folder: deploy first, which makes it for the receiver's user")
    fd, kind = _open(arguments.source)
    user = privileges.owner(config.mail)

    def work(messages: Iterable[Found | str], late_notes: list[str]) -> int:
        outcome = Outcome(str(mailbox), arguments.source, arguments.dry_run, notes=notes)
        _import(config, mailbox, subfolder, outcome, messages)
        outcome.notes += late_notes
        return _report(outcome, arguments)

    if not stat.S_ISDIR(kind):
        privileges.give_up(user, keep=(fd,), late=_LATE)
        with os.fdopen(fd, "rb", buffering=1_048_576) as file:
            return _from_mbox(file, arguments, work)
    if not maildir.is_maildir(fd):
        raise Failure(f"{arguments.source}: is no Maildir: it has neither a folder new nor a folder cur")
    if not privileges.is_root():
        return work(_from_maildir(maildir.opened(fd), arguments.source), [])
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)

    def unprivileged() -> int:
        files = maildir.handed_over(theirs)
        return run_reported(lambda: work(_from_maildir(files, arguments.source), []))

    with ours:
        child = privileges.start_child(user, unprivileged, keep=(theirs.fileno(),), late=_LATE)
        theirs.close()
        maildir.hand_over(maildir.opened(fd), ours)
    return privileges.exit_code(child)


def _open(source: str) -> tuple[int, int]:
    """Open the source. Returns its descriptor and its mode. Raises OSError and Failure."""
    if source == _STANDARD_INPUT:
        if sys.stdin.isatty():
            raise Failure("no mbox on standard input: redirect one, as in `… - < old.mbox`", 2)
        return 0, stat.S_IFREG
    kind = os.stat(source).st_mode  # noqa: PTH116
    if not (stat.S_ISREG(kind) or stat.S_ISDIR(kind) or stat.S_ISFIFO(kind)):
        raise Failure(f"{source}: is neither a file nor a folder")
    fd = os.open(source, os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY)
    return fd, os.fstat(fd).st_mode


def _from_mbox(file: BinaryIO, arguments: argparse.Namespace, work: _Work) -> int:
    name = "standard input" if arguments.source == _STANDARD_INPUT else arguments.source
    mbox = Mbox(file, arguments.mbox, name)
    notes: list[str] = []

    def messages() -> Iterator[Found]:
        yield from mbox
        if mbox.ignored_lengths:
            notes.append(
                f"{mbox.ignored_lengths} message(s) end before their Content-Length. If a program wrote that"
                " field and quoted nothing, they are parts of messages: remove them, and use --mbox mboxcl2"
            )

    return work(messages(), notes)


def _from_maildir(files: Iterable[maildir.Opened], source: str) -> Iterator[Found | str]:
    for each in files:
        if each.fd < 0:
            yield f"{source}/{each.path}: {each.problem}"
            continue
        try:
            yield maildir.found(each, source)
        finally:
            os.close(each.fd)


def _import(
    config: Config, mailbox: Mailbox, subfolder: str, outcome: Outcome, messages: Iterable[Found | str]
) -> None:
    with closing(Target(config.mail, mailbox, config.hostname)) as target:
        if not outcome.dry_run:
            try:
                target.lock()
            except Busy:
                raise Failure(f"another import into {mailbox} runs: wait until it has ended") from None
            leftovers.sweep(config.mail)
        Import(target, Index(target.path), outcome, Screen(sys.stderr), subfolder).take(messages)


def _report(outcome: Outcome, arguments: argparse.Namespace) -> int:
    screen = Screen(sys.stderr)
    screen.live("")
    for text in (*outcome.problems, *outcome.notes):
        screen.line(f"letterbox: {terminal.plain(text)}")
    if outcome.not_imported > len(outcome.problems):
        screen.line(f"letterbox: {outcome.not_imported - len(outcome.problems)} more were not imported")
    if wants_json(arguments):
        print_json(outcome.to_json())
    else:
        Screen().line(outcome.sentence)
    return 1 if outcome.not_imported else 0
