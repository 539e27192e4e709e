"""Ending a command well: what a user can do wrong is one line on standard error and an exit code.

Exit codes: 0 done; 1 there is no such message, or none came in time; 2 wrong usage; 77 may not read the
mail (EX_NOPERM); 78 the configuration is wrong (EX_CONFIG); 130 interrupted.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Callable, Mapping

from receiver.system import privileges

EX_NOPERM, EX_CONFIG, EX_INTERRUPTED = 77, 78, 130


class Failure(Exception):
    """Ends the command: `str(e)` is the line for the user."""

    def __init__(self, text: str, code: int = 1) -> None:
        super().__init__(text)
        self.code = code


def add_form(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that choose between people and programs."""
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="an object a line (the default off a terminal)")
    form.add_argument("--text", action="store_true", help="for people (the default on a terminal)")


def wants_json(arguments: argparse.Namespace) -> bool:
    return bool(arguments.json or not (arguments.text or sys.stdout.isatty()))


def print_json(values: Mapping[str, object]) -> None:
    """Print one line. Beyond ASCII everything is escaped: it is as harmless on a terminal as any text."""
    print(json.dumps(values), flush=True)


def guarded(work: Callable[[], int]) -> int:
    """Do the work of a command, and report what went wrong; the exit code."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # as in `letterbox list | head`
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    return reported(work)


def reported(work: Callable[[], int]) -> int:
    """Do work, and report what went wrong on standard error; the exit code."""
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
        return EX_INTERRUPTED
