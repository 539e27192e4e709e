"""`letterbox pull` and `letterbox push`: the command lines, and the runs that follow."""

from __future__ import annotations

import argparse
import contextlib
import time
from collections.abc import Sequence

from receiver.cli.command import run_command
from receiver.config.values import Config
from receiver.storage import leftovers
from receiver.storage.folders import Folders
from receiver.transfer import journal, setting
from receiver.transfer.fetching import Clients
from receiver.transfer.journal import Journal
from receiver.transfer.known import Known
from receiver.transfer.outcome import Away, Outcome
from receiver.transfer.pending import Drain, Waiting
from receiver.transfer.placing import Placing
from receiver.transfer.pulling import Pull
from receiver.transfer.pushing import Push, note_empty
from receiver.transfer.window import BACK, DAY, EVERYTHING, HOUR, Window, hours

_EVERY = 10.0  # seconds between two looks
_LOOK = 0.2  # seconds between looks at the queue, which are one stat(2) each
_PAGE = 1000  # objects that a list shows
_PAUSE, _LONGEST_PAUSE = 1.0, 30.0  # seconds, while the bucket does not answer


def pull(argv: Sequence[str]) -> int:
    """Run the command and return its exit code. `argv` has the arguments that follow its name."""
    parser = setting.parser(
        "pull",
        "Bring mail from the bucket into the Maildirs of this host. What was here before does not come "
        "again, also if it was removed or moved since. A run that was cut off is completed by the next one. "
        "If another run is under way, this one waits for it.",
        "Without --all, what came since the last complete pull is looked at, and at least a day.",
        "go on for ever, with a look every 10 seconds, as letterbox-pull.service does",
    )
    parser.add_argument("--all", action="store_true", help="look at the whole bucket")
    parser.add_argument(
        "--every", type=_seconds, default=_EVERY, metavar="S", help="seconds between looks with --follow (10)"
    )
    arguments = parser.parse_args(argv)
    return run_command(lambda: _pull(arguments))


def _seconds(text: str) -> float:
    with contextlib.suppress(ValueError):
        if 0 < float(text) <= DAY:
            return float(text)
    raise argparse.ArgumentTypeError(f"must be a number of seconds up to {DAY}, not {text!r}")


def _pull(arguments: argparse.Namespace) -> int:
    config, clients = setting.opened(arguments)
    folders = Folders(config.mail, hooks=config.hooks)
    folders.prepare_mail_folder()
    leftovers.sweep(config.mail)
    note_empty(config, folders)
    known, placing = Known(Journal(folders)), Placing(folders)
    pull = Pull(config, placing, known, clients, Waiting(config, known))
    with contextlib.closing(clients), contextlib.closing(placing), contextlib.closing(pull):
        if arguments.follow:
            return _follow_pull(arguments, config, folders, known, pull)
        show = setting.live(arguments)
        pull.progress = lambda outcome: show(outcome.sentence)
        outcome = Outcome("pulled")
        with journal.only_run(folders, "pull", setting.say):
            began = time.time()
            setting.index(config, known, show, outcome)
            prefixes = EVERYTHING if arguments.all else _since_last(known, began)
            try:
                pull.run(prefixes, outcome)
            except Away as error:
                setting.report(outcome, arguments)
                raise setting.no_answer(error) from None
            if not outcome.failed:
                known.journal.mark("complete", str(int(began)))
        return setting.report(outcome, arguments)


def _since_last(known: Known, now: float) -> tuple[str, ...]:
    """What came since the last complete pull, and at least a day; everything if there was none."""
    said = known.journal.marked("complete") or ""
    if not said.isdigit():
        return EVERYTHING
    return hours(min(int(said) - BACK, now - DAY), now + HOUR)


def _follow_pull(
    arguments: argparse.Namespace, config: Config, folders: Folders, known: Known, pull: Pull
) -> int:
    window, log, pause = Window(), setting.Log("pulled"), arguments.every
    while True:
        began, started, outcome = time.time(), time.monotonic(), Outcome("pulled")
        try:
            with journal.only_run(folders, "pull", lambda text: None):
                setting.index(config, known, lambda text: None, outcome)
                prefixes = window.prefixes(began)
                pull.run(prefixes, outcome)
            lists = len(prefixes) + outcome.listed // _PAGE
            if window.done(began, is_whole=not outcome.failed, lists=lists):
                known.journal.mark("complete", str(int(began)))
            log.done(outcome)
            pause = arguments.every
        except Away as error:
            log.away(error)
            pause = min(2 * pause, max(_LONGEST_PAUSE, arguments.every))
        except OSError as error:  # The disk is full, for example. The next look tries again.
            outcome.fail(f"{error.filename or config.mail}: {error.strerror}")
            log.done(outcome)
        time.sleep(max(0.0, pause - (time.monotonic() - started)))


def push(argv: Sequence[str]) -> int:
    """Run the command and return its exit code. `argv` has the arguments that follow its name."""
    parser = setting.parser(
        "push",
        "Put the mail of this host into the bucket: every message of its Maildirs that the bucket lacks. "
        "A run that was cut off is completed by the next one, and none puts a message twice. "
        "If another run is under way, this one waits for it.",
        "Mail that a client wrote, and mail that was imported, goes too.",
        "go on for ever, and put each new message at once, as letterbox-push.service does",
    )
    parser.add_argument("--dry-run", action="store_true", help="say how many would go, and put nothing")
    arguments = parser.parse_args(argv)
    if arguments.follow and arguments.dry_run:
        parser.error("--dry-run is not for --follow")
    return run_command(lambda: _push(arguments))


def _push(arguments: argparse.Namespace) -> int:
    config, clients = setting.opened(arguments)
    folders = Folders(config.mail)
    folders.prepare_mail_folder()
    note_empty(config, folders)
    known = Known(Journal(folders))
    with contextlib.closing(clients):
        if arguments.follow:
            return _follow_push(config, folders, known, clients)
        outcome, show = Outcome("pushed", arguments.dry_run), setting.live(arguments)
        push = Push(config, folders, known, clients, outcome)
        push.progress = lambda outcome: show(outcome.sentence)
        with journal.only_run(folders, "push", setting.say):
            try:
                push.run()
            except Away as error:
                setting.report(outcome, arguments)
                raise setting.no_answer(error) from None
        folders.release_token()
        return setting.report(outcome, arguments)


def _follow_push(config: Config, folders: Folders, known: Known, clients: Clients) -> int:
    """Empty the queue again and again, as soon as there is something in it.

    A message that cannot be put, while others can, is tried again later and holds up no other.
    """
    log, pause, later, again_at = setting.Log("pushed"), _PAUSE, set[str](), 0.0
    with contextlib.closing(Drain(config, known, clients)) as drain:
        while True:
            outcome = Outcome("pushed")
            if later and time.monotonic() >= again_at:
                later.clear()
                drain.pending.forget()
            try:
                names = [each for each in drain.pending.changed() or () if each not in later]
                if names:
                    with journal.only_run(folders, "queue", lambda text: None):
                        drain.run(names, outcome)
                    log.done(outcome)
                if drain.failed and not later:
                    again_at, pause = time.monotonic() + pause, min(2 * pause, _LONGEST_PAUSE)
                elif names and not drain.failed:
                    pause = _PAUSE
                later |= drain.failed
                drain.failed.clear()
                time.sleep(_LOOK)
                continue
            except Away as error:
                log.away(error)
            except OSError as error:
                outcome.fail(f"{error.filename or config.mail}: {error.strerror}")
                log.done(outcome)
            drain.pending.forget()
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
