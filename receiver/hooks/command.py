"""The command line of `letterbox hooks`.

Exit codes: 0: listed, or done. 1: no such hook or message, or the user said no. 2: wrong usage. 77: the user
may not read the queues. 78: the configuration is wrong.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from receiver import hook_queue
from receiver.cli import configuration, terminal
from receiver.cli.command import Failure, add_form, print_json, run_command, wants_json
from receiver.cli.terminal import RED, YELLOW, Screen
from receiver.hooks import changes, folders, status
from receiver.hooks.configured import configured, unit
from receiver.hooks.status import Configured, Status
from receiver.system import privileges

_HEADS = ("HOOK", "TO", "WAITING", "OLDEST", "GIVEN UP", "NEXT TRY", "STATE")
_UNKNOWN = "?"


def main(argv: Sequence[str]) -> int:
    """Run the command and return its exit code. `argv` has the arguments that follow its name."""
    parser = argparse.ArgumentParser(
        prog="letterbox hooks",
        description="List the hooks: what waits for each, what it has given up, and why.",
        epilog="What is dropped is forgotten by the hook alone: the mail stays in its mailbox. Exit codes: 0 "
        "listed or done; 1 no such hook or message, or not confirmed; 2 wrong usage; 77 not permitted; 78 "
        "the configuration is wrong.",
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help=f"({configuration.PATH})")
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--retry", nargs="+", metavar=("NAME", "ID"),
        help="try again now what this hook has not delivered, also what it has given up; or only these ids",
    )  # fmt: skip
    what.add_argument(
        "--drop", nargs="+", metavar=("NAME", "ID"),
        help="forget what this hook has not delivered; or only these ids",
    )  # fmt: skip
    what.add_argument("--prepare", metavar="NAME", help=argparse.SUPPRESS)  # the deploy asks for this
    parser.add_argument("--yes", action="store_true", help="drop without asking")
    add_form(parser)
    arguments = parser.parse_args(argv)
    return run_command(lambda: _run(arguments))


def _run(arguments: argparse.Namespace) -> int:
    table = configuration.read_table(arguments.config)
    mail = configuration.mail_folder(arguments.config)
    if arguments.prepare:
        return folders.prepare(mail, arguments.prepare)
    tables = table.get("hooks", {})
    if not (isinstance(tables, dict) and all(isinstance(each, dict) for each in tables.values())):
        text = "hooks must be tables such as [hooks.orders]: deploy this host, or see `letterbox check`"
        raise Failure(f"{arguments.config}: {text}", os.EX_CONFIG)
    known = configured(table)
    # From here on we read what the hooks wrote, which are other users.
    privileges.give_up(privileges.owner(mail))
    if arguments.retry:
        return _retry(mail, known, *arguments.retry)
    if arguments.drop:
        return _drop(mail, known, *arguments.drop, sure=arguments.yes)
    found = status.read(mail, known)
    if wants_json(arguments):
        for each in found:
            print_json(each.to_json())
        return 0
    show(found, Screen())
    return 0


def _queue(mail: Path, known: Mapping[str, Configured], name: str) -> hook_queue.Queue:
    queue = hook_queue.queue(mail, name)
    if not hook_queue.is_hook_name(name) or not (name in known or queue.folder.is_dir()):
        names = sorted({*known, *(each.hook for each in hook_queue.queues(mail))})
        raise Failure(f"{name}: no such hook: this host has {', '.join(names) or 'none'}")
    if not queue.folder.is_dir():
        raise Failure(f"hook {name} has no queue yet: deploy this host")
    return queue


def _retry(mail: Path, known: Mapping[str, Configured], name: str, *ids: str) -> int:
    queue = _queue(mail, known, name)
    if name not in known:
        raise Failure(
            f"hook {name} is not in the configuration, so nothing delivers its mail: deploy it again"
        )
    count = changes.retry(queue, tuple(dict.fromkeys(ids)))
    print(f"{_messages(count)} of hook {name} {'is' if count == 1 else 'are'} tried again at once")
    if (state := known[name].unit) and state != "active":
        print(f"letterbox: {unit(name)} is {state}: systemctl restart {unit(name)}", file=sys.stderr)
    return 0


def _drop(mail: Path, known: Mapping[str, Configured], name: str, *ids: str, sure: bool) -> int:
    queue = _queue(mail, known, name)
    ids = tuple(dict.fromkeys(ids))  # each once, however often it is named
    count = len(ids) or len(queue.pending_names()) + len(queue.dead_names())
    if count and not sure:
        if not sys.stdin.isatty():
            raise Failure("--drop asks on a terminal: add --yes where there is none", 2)
        question = f"Let hook {name} forget {_messages(count)}? The mail stays in its mailbox. [y/N] "
        if not _answered_yes(question):
            raise Failure("nothing was dropped")
    count = changes.drop(queue, ids, is_configured=name in known)
    print(f"hook {name} has forgotten {_messages(count)}")
    return 0


def _answered_yes(question: str) -> bool:
    try:
        return input(question).strip().lower() in ("y", "yes")
    except EOFError:  # Ctrl-D
        print()
        return False


def _messages(count: int) -> str:
    return "1 message" if count == 1 else f"{count} messages"


def show(found: Sequence[Status], screen: Screen) -> None:
    """Print the table for people, and below it the last error of each hook that has mail waiting."""
    if not found:
        screen.line("This host has no hooks: docs/hooks.md shows the first one.")
        return
    now = time.time()
    rows = [row(each, now) for each in found]
    table_style = {6: lambda text: () if text == "active" else (YELLOW,) if text == _UNKNOWN else (RED,)}
    terminal.table(screen, _HEADS, rows, flexible=(1,), right=2, styles=table_style)
    for each in found:
        if each.last_error and (each.backlog or each.dead or each.stopped):
            ago = _ago(now - each.last_error.at)
            text = f"{each.name}: {ago} ago: {each.last_error.text} ({each.last_error.id})"
            screen.hanging("", 0, terminal.plain(text))
        if each.unread:
            screen.hanging("", 0, terminal.plain(f"{each.name}: {each.unread}"))


def row(each: Status, now: float) -> list[str]:
    """The cells of a hook, safe for a terminal."""
    told = each.configured
    if told is None:
        state = "not configured"
    elif each.stopped:
        state = f"stopped ({each.stopped})"
    else:
        state = told.unit or _UNKNOWN
    following = "-"
    if each.unread:
        following = _UNKNOWN
    elif each.next_try is not None and not each.stopped and told:
        following = f"in {_ago(each.next_try - now)}" if each.next_try > now else "now"
    elif each.backlog and not each.stopped and told:
        following = "now"
    return [
        each.name,
        terminal.plain(told.target if told else "") or "-",
        str(each.backlog),
        _ago(now - each.oldest) if each.oldest is not None else "-",
        str(each.dead),
        following,
        terminal.plain(state),
    ]


def _ago(seconds: float) -> str:
    """A span of time for people, in its largest unit."""
    for size, name in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {name}"
    return f"{max(0, seconds):.0f} s"
