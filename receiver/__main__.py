"""The program `python -m receiver COMMAND`, called `letterbox` on the host: the table of its commands."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from receiver import __version__
from receiver.cli.streams import show_all_characters

# The module of a command is imported only when the command is run, because `list` should end within 0.3 s.
COMMANDS = {
    "serve": ("receiver.serving.command:serve", "receive mail until SIGTERM"),
    "check": ("receiver.serving.command:check", "check a configuration without serving"),
    "list": ("receiver.reading.listing:main", "list the newest messages"),
    "show": ("receiver.reading.show:main", "show one message: headers, text and attachments"),
    "export": ("receiver.reading.export:main", "write messages as mbox or .eml"),
    "import": ("receiver.importing.command:main", "take an mbox or a Maildir into a mailbox"),
    "wait": ("receiver.reading.arrivals:wait", "wait for a message, with a timeout"),
    "follow": ("receiver.reading.arrivals:follow", "print a line for each message that arrives"),
    "pull": ("receiver.transfer.command:pull", "bring mail from the bucket into the Maildirs of this host"),
    "push": ("receiver.transfer.command:push", "put the mail of this host into the bucket"),
    "hooks": ("receiver.hooks.command:main", "list the hooks, what waits for each, and try it again"),
    "keep": ("receiver.keeping.command:main", "remove old mail, as the inventory says"),
    "imap": ("receiver.imap.command:main", "speak IMAP for a mailbox on standard input and output"),
    "tls-reports": ("receiver.tls_reports.command:main", "show what senders report of TLS to this host"),
    "proof": ("receiver.proof.command:main", "make a one-time address and wait for a message to it"),
    "heartbeat-look": ("receiver.heartbeat.command:main", "answer the heartbeat, whose unit runs this"),
    "doctor": ("receiver.doctor.command:main", "say why no mail arrives: the first broken link and its fix"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program and return its exit code. `argv` has no program name; the default is `sys.argv[1:]`."""
    show_all_characters()
    argv = sys.argv[1:] if argv is None else list(argv)
    if argv and argv[0] in COMMANDS:
        module, _, function = COMMANDS[argv[0]][0].partition(":")
        return int(getattr(import_module(module), function)(argv[1:]))
    _parser().parse_args(argv)
    return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="letterbox",
        description="Receive mail by SMTP and store it in Maildirs. 250 means that mail is stored safely.",
    )
    parser.add_argument("--version", action="version", version=f"letterbox {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (_, what) in COMMANDS.items():
        commands.add_parser(name, help=what, add_help=False)
    return parser


if __name__ == "__main__":
    sys.exit(main())
