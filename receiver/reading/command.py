"""What the reading commands share: their arguments, their errors, and a line of JSON.

Exit codes: 0 done; 1 there is no such message, or none came in time; 2 wrong usage; 77 may not read the
mail (EX_NOPERM); 78 the configuration is wrong (EX_CONFIG).
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from receiver import privileges
from receiver.reading import selection, stored
from receiver.reading.stored import Maildir

EX_NOPERM, EX_CONFIG = 77, 78
# What is imported when it is needed, for a Python that only root may read.
LATE = ("receiver.reading.html", "receiver.encoded_words", "nh3", "webencodings", "socket", "threading")
CONFIGURATION = Path("/etc/letterbox/letterbox.toml")
_TRIED = Path("./mail")  # where `letterbox serve` stores without a configuration


class Failure(Exception):
    """Ends the command: `str(e)` is the line for the user."""

    def __init__(self, text: str, code: int = 1) -> None:
        super().__init__(text)
        self.code = code


def parser(name: str, what: str, epilog: str | None = None) -> argparse.ArgumentParser:
    """A parser with the arguments that say where mail is and how to show it."""
    made = argparse.ArgumentParser(prog=f"letterbox {name}", description=what, epilog=epilog)
    made.add_argument(
        "--config", type=Path, metavar="FILE", help=f"whose mail folder to read ({CONFIGURATION})"
    )
    made.add_argument("--mail", type=Path, metavar="FOLDER", help="the mail folder, instead of --config")
    made.add_argument(
        "--mailbox", metavar="NAME", help="only this one, as alice or alice@example.com (all of them)"
    )
    form = made.add_mutually_exclusive_group()
    form.add_argument(
        "--json", action="store_true", help="one JSON object a line; the default off a terminal"
    )
    form.add_argument("--text", action="store_true", help="for people; the default on a terminal")
    return made


def run(
    arguments: argparse.Namespace,
    work: Callable[[argparse.Namespace], int],
    *,
    with_root: Callable[[argparse.Namespace], None] = lambda arguments: None,
) -> int:
    """Do work that parses what strangers wrote: root is given up first.

    What may need root is done before that: `with_root` is called, and the configuration is read, so that
    `arguments.mail` says where the mail is. The exit code is as that of `guarded`.
    """

    def unprivileged(arguments: argparse.Namespace) -> int:
        with_root(arguments)
        arguments.mail = mail_folder(arguments)
        privileges.give_up(privileges.owner(arguments.mail), late=LATE)
        return work(arguments)

    return guarded(arguments, unprivileged)


def guarded(arguments: argparse.Namespace, work: Callable[[argparse.Namespace], int]) -> int:
    """Do the work; what a user can do wrong is one line on standard error and an exit code."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # as in `letterbox list | head`
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    return reported(lambda: work(arguments))


def reported(work: Callable[[], int]) -> int:
    """Do the work, and report what went wrong on standard error; the exit code."""
    try:
        return work()
    except Failure as failure:
        print(f"letterbox: {failure}", file=sys.stderr)
        return failure.code
    except privileges.StillRoot as error:
        print(f"letterbox: {error}: no mail was read", file=sys.stderr)
        return EX_NOPERM
    except PermissionError as error:
        again = "run it as root (sudo /usr/local/bin/letterbox)"
        print(f"letterbox: {error.filename}: permission denied: {again}", file=sys.stderr)
        return EX_NOPERM
    except OSError as error:
        print(f"letterbox: {error.filename or 'mail'}: {error.strerror}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def wants_json(arguments: argparse.Namespace) -> bool:
    return bool(arguments.json or not (arguments.text or sys.stdout.isatty()))


def configuration(path: Path | None) -> Mapping[str, object]:
    """The configuration's table, not checked: what was received can be read whatever else is wrong there.

    Raises Failure.
    """
    path = path or CONFIGURATION
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (FileNotFoundError, IsADirectoryError):
        raise Failure(f"{path}: there is no such file: name another with --config, or use --mail") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Failure(f"{path}: is not TOML: {error}", EX_CONFIG) from None


def mail_folder(arguments: argparse.Namespace) -> Path:
    """Where the mail is: --mail, the configuration's, else that of a try without one. Raises Failure."""
    if arguments.mail:
        return Path(arguments.mail)
    if not arguments.config and not os.path.lexists(CONFIGURATION) and _TRIED.is_dir():
        return _TRIED
    said = configuration(arguments.config).get("mail")
    if not isinstance(said, str):
        raise Failure(f"{arguments.config or CONFIGURATION}: mail: missing", EX_CONFIG)
    return Path(said)


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


def print_json(values: Mapping[str, object]) -> None:
    """One line. Beyond ASCII everything is escaped, so it is as harmless on a terminal as any text."""
    print(json.dumps(values), flush=True)


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
