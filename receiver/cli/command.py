"""How a command ends. A mistake of the user makes one line on standard error and an exit code.

Exit codes: 0: done. 1: no such message, or no message in time. 2: wrong usage. 77: the user may not read the
mail (EX_NOPERM of sysexits.h). 78: the configuration is wrong (EX_CONFIG). 130: interrupted.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from collections.abc import Callable, Mapping

from receiver.system import privileges

EX_INTERRUPTED = 130  # 128 and the number of SIGINT, as in a shell


class Failure(Exception):
    """Ends the command with the exit code `code`. `str(e)` is the line for the user."""

    def __init__(self, text: str, code: int = 1) -> None:
        super().__init__(text)
        self.code = code


def add_form(parser: argparse.ArgumentParser) -> None:
    """Add the arguments --json and --text, which choose the form of the output."""
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print JSON lines (default, but not on a terminal)")
    form.add_argument("--text", action="store_true", help="print text for people (the default on a terminal)")


def parse_seconds(text: str) -> float:
    """Read a number of seconds from the command line."""
    try:
        value = float(text)
    except ValueError:
        value = -1
    if not 0 <= value <= 1e9:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds")
    return value


def wants_json(arguments: argparse.Namespace) -> bool:
    return bool(arguments.json or not (arguments.text or sys.stdout.isatty()))


def print_json(values: Mapping[str, object]) -> None:
    """Print an object as one line. All non-ASCII characters are escaped, so it cannot harm a terminal."""
    print(json.dumps(values), flush=True)


def run_command(work: Callable[[], int]) -> int:
    """Run the work of a command as `run_reported` does, in a process of its own."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # so that `letterbox list | head` ends quietly
    return run_reported(work)


def run_reported(work: Callable[[], int]) -> int:
    """Run work, report a failure on standard error, and return the exit code."""
    try:
        return work()
    except Failure as failure:
        print(f"letterbox: {failure}", file=sys.stderr)
        return failure.code
    except privileges.StillRoot as error:
        print(f"letterbox: {error}: no mail was read", file=sys.stderr)
        return os.EX_NOPERM
    except PermissionError as error:
        again = "run it as root (sudo /usr/local/bin/letterbox)"
        print(f"letterbox: {error.filename}: permission denied: {again}", file=sys.stderr)
        return os.EX_NOPERM
    except OSError as error:
        print(f"letterbox: {error.filename or 'mail'}: {error.strerror}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return EX_INTERRUPTED
