"""The program: `python -m receiver COMMAND`, called letterbox on the host. The table of its commands."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from receiver import __version__

# Each in a module of its own, imported when it is asked for: `list` has 0.3 s for all it does.
COMMANDS = {
    "serve": ("receiver.serving.command:serve", "receive mail until SIGTERM"),
    "check": ("receiver.serving.command:check", "look at a configuration without starting"),
    "list": ("receiver.reading.listing:main", "the newest messages"),
    "show": ("receiver.reading.show:main", "one message: headers, text, what is attached"),
    "export": ("receiver.reading.export:main", "messages as mbox or .eml"),
    "wait": ("receiver.reading.arrivals:wait", "until a message arrives, with a timeout"),
    "follow": ("receiver.reading.arrivals:follow", "a line for each message that arrives"),
    "proof": ("receiver.proof.command:main", "a one-time address, and the wait for a message to it"),
    "doctor": ("receiver.doctor.command:main", "why no mail arrives: the first broken link, and its fix"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program with these arguments (sys.argv without the name by default); the exit code."""
    argv = sys.argv[1:] if argv is None else list(argv)
    if argv and argv[0] in COMMANDS:
        module, _, function = COMMANDS[argv[0]][0].partition(":")
        return int(getattr(import_module(module), function)(argv[1:]))
    _parser().parse_args(argv)
    return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="letterbox",
        description="Receive mail by SMTP and store it in Maildirs. 250 is said only for what is on disk.",
    )
    parser.add_argument("--version", action="version", version=f"letterbox {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (_, what) in COMMANDS.items():
        commands.add_parser(name, help=what, add_help=False)
    return parser


if __name__ == "__main__":
    sys.exit(main())
