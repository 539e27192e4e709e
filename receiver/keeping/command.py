"""`letterbox keep`: removes what arrived longer ago than the configuration says mail is kept.

Exit codes: 0: done, or nothing to do. 1: something could not be read or removed. 2: wrong usage. 75: another
run is under way (EX_TEMPFAIL of sysexits.h). 77: not permitted. 78: the configuration is wrong.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from receiver.cli import configuration, terminal
from receiver.cli.command import Failure, add_form, print_json, run_command, wants_json
from receiver.cli.terminal import Screen
from receiver.config.load import ConfigError, load
from receiver.config.values import Config
from receiver.keeping import clock, removal, undelivered
from receiver.keeping.age import DAY
from receiver.keeping.clock import Reading
from receiver.keeping.removal import Outcome
from receiver.mailbox import Mailbox
from receiver.recipients import is_named
from receiver.system import privileges

_LOCK = "lock"
_SHOW_EVERY = 0.1  # seconds between changes of the live line


def main(argv: Sequence[str]) -> int:
    """Run the command and return its exit code. `argv` has the arguments that follow its name."""
    parser = argparse.ArgumentParser(
        prog="letterbox keep",
        description='Remove the mail that arrived longer ago than "keep" of inventory.py says. A timer does '
        "it every day. What a hook has not delivered stays.",
        epilog="Exit codes: 0 done; 1 something could not be read or removed; 75 another run is under way; "
        "77 not permitted; 78 the configuration is wrong.",
    )
    parser.add_argument(
        "--config", type=Path, metavar="FILE", default=configuration.PATH, help=f"({configuration.PATH})"
    )
    parser.add_argument(
        "--mailbox", metavar="NAME", help="only this mailbox, as alice or alice@example.com (all)"
    )
    parser.add_argument("--dry-run", action="store_true", help="show what would go, and remove nothing")
    parser.add_argument(
        "--trust-clock", action="store_true",
        help="the clock is right, although it is ahead of what has passed since the last run",
    )  # fmt: skip
    add_form(parser)
    arguments = parser.parse_args(argv)
    return run_command(lambda: _keep(arguments))


def _keep(arguments: argparse.Namespace) -> int:
    if arguments.config.exists():
        arguments.config.open("rb").close()  # If this is not permitted, the configuration is not wrong.
    try:
        config = load(arguments.config)
    except ConfigError as error:
        raise Failure(str(error).replace("\n", "\nletterbox: "), os.EX_CONFIG) from None
    wanted = _wanted(config, arguments.mailbox)
    if not wanted or not os.path.lexists(config.mail):
        if not wants_json(arguments):
            print("No mail was received yet." if wanted else 'All mail is kept: no mailbox has "keep".')
        return 0
    privileges.give_up(privileges.owner(config.mail))
    with contextlib.nullcontext() if arguments.dry_run else _only_run(config.mail):
        return _run(arguments, config, wanted)


def _wanted(config: Config, named: str | None) -> dict[Mailbox, int]:
    """The days of each mailbox that is asked for. Raises Failure if the name is that of none."""
    known = [Mailbox(domain.name, box) for domain in config.domains for box in domain.mailboxes or ()]
    if named and not any(is_named(named, box) for box in known):
        raise Failure(f"{named}: no such mailbox: {', '.join(sorted(map(str, known)))}")
    return {
        box: config.keep[box] for box in sorted(config.keep, key=str) if named is None or is_named(named, box)
    }


@contextlib.contextmanager
def _only_run(mail: Path) -> Iterator[None]:
    """Hold the lock of a run. Raises Failure if another run holds it."""
    folder = mail / clock.FOLDER
    folder.mkdir(0o700, exist_ok=True)
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    fd = os.open(folder / _LOCK, flags, 0o600)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Failure("another `letterbox keep` is under way: try again later", os.EX_TEMPFAIL) from None
        yield
    finally:
        os.close(fd)


def _run(arguments: argparse.Namespace, config: Config, wanted: dict[Mailbox, int]) -> int:
    now, last = clock.read_clocks(), clock.read_note(config.mail)
    until = now.at if arguments.trust_clock else _believed(arguments.config, config, now, last)
    if now.at - until > DAY:
        _warn(
            f"the clock says {_day(now.at)}, and so much time has not passed for certain: mail is judged as "
            f"on {_day(until)}. If the clock is right: letterbox keep --trust-clock"
        )
    waiting = undelivered.inodes(config.mail)
    screen, is_json, failed, newest = Screen(), wants_json(arguments), False, 0.0
    for mailbox, days in wanted.items():
        try:
            outcome = removal.remove_old(
                config.mail, mailbox, until - days * DAY, waiting,
                dry_run=arguments.dry_run, progress=_progress(screen, mailbox, quiet=is_json),
            )  # fmt: skip
        except OSError as error:
            failed = True
            _warn(f"{mailbox}: {error.filename}: {error.strerror}")
            continue
        newest, failed = max(newest, outcome.newest), failed or bool(outcome.failed)
        if is_json:
            print_json(_to_json(outcome, days, arguments.dry_run))
        else:
            screen.line(_line(outcome, days, arguments.dry_run))
        for failure in outcome.failures:
            _warn(failure)
    if newest > now.at + DAY:
        _warn(
            f"the clock says {_day(now.at)}, and a message arrived on {_day(newest)}: see whether it is right"
        )
    if not arguments.dry_run:
        clock.write_note(config.mail, clock.next_note(now, None if arguments.trust_clock else last, until))
    return 1 if failed else 0


def _believed(path: Path, config: Config, now: Reading, last: Reading | None) -> float:
    boxes = [config.mail / box.domain / box.name for box in config.keep]
    paths = [path, config.mail, *(box.parent for box in boxes), *boxes]
    return clock.believed(now, last, clock.last_written([*paths, *(box / "new" for box in boxes)]))


def _progress(screen: Screen, mailbox: Mailbox, *, quiet: bool) -> Callable[[int, int], None]:
    """What shows on a terminal how far a mailbox is."""
    shown = time.monotonic()

    def show(seen: int, removed: int) -> None:
        nonlocal shown
        if not quiet and time.monotonic() - shown > _SHOW_EVERY:
            shown = time.monotonic()
            screen.live(f"{terminal.plain(str(mailbox))}: {seen} messages seen, {removed} old")

    return show


def _line(outcome: Outcome, days: int, dry_run: bool) -> str:
    """What became of a mailbox, for people."""
    verb = "would go" if dry_run else "removed"
    text = f"{outcome.mailbox}: nothing is older than {_count(days, 'day')}"
    if outcome.oldest is not None:
        text = (
            f"{outcome.mailbox}: {_count(outcome.messages, 'message')} {verb}, "
            f"{terminal.size(outcome.octets)}, older than {_count(days, 'day')}, "
            f"the oldest of {_day(outcome.oldest)}"
        )
    for number, why in (
        (outcome.undelivered, "kept, because a hook has not delivered it (letterbox hooks)"),
        (outcome.undated, "kept, because its time of arrival cannot be right"),
        (outcome.failed, "could not be removed"),
    ):
        text += f"; {number} {why}" if number else ""
    return terminal.plain(text)


def _to_json(outcome: Outcome, days: int, dry_run: bool) -> dict[str, object]:
    """A line of `keep --json`. `messages` and `octets` went, or with --dry-run would go."""
    return {
        "mailbox": str(outcome.mailbox),
        "days": days,
        "before": _utc(outcome.before),
        "dry_run": dry_run,
        "messages": outcome.messages,
        "octets": outcome.octets,
        "oldest": None if outcome.oldest is None else _utc(outcome.oldest),
        "undelivered": outcome.undelivered,
        "undated": outcome.undated,
        "failed": outcome.failed,
    }


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _day(seconds: float) -> str:
    return time.strftime("%d %b %Y", time.localtime(seconds))


def _utc(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def _warn(text: str) -> None:
    print(f"letterbox: {terminal.plain(text)}", file=sys.stderr)
