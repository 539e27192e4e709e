"""The arguments of `python -m benchmarks.mail`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from benchmarks.mail.disks.disk import KINDS
from benchmarks.mail.loads import CHECKED_LOADS, LOADS, SHORT, TLS_LOADS, known
from benchmarks.mail.receivers import CHECKED, PEERS


def parse(argv: Sequence[str] | None, description: str | None) -> argparse.Namespace:
    """The arguments, checked. Ends the program with 2 if they are wrong."""
    arguments = (made := parser(description)).parse_args(argv)
    if arguments.peers is None:
        arguments.peers = [CHECKED if arguments.checks else PEERS["postfix"]]
    if CHECKED in arguments.peers and not arguments.checks:
        made.error("argument --peers: postfix-checked needs --checks")
    fitting = {each.title for each in known(arguments)}
    if unfit := [each for each in arguments.load or () if each not in fitting]:
        made.error(
            f"argument --load: {unfit[0]!r} is "
            + ("not a load of --checks" if arguments.checks else "a load of --checks")
        )
    return arguments


def _at_least_one(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1")
    return int(text)


def parser(description: str | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mail", description=description)
    add = parser.add_argument
    add("--peers", type=_peers, metavar="LIST",
        help=f"receivers to compare with: all, none, or a list of {','.join(PEERS)} (postfix; "
        "with --checks postfix-checked)")  # fmt: skip
    add("--disk", action="append", choices=list(KINDS), help="file system (ext4); repeatable")
    add("--sync-delay", type=_at_least_one, metavar="MS",
        help="each fsync, fdatasync and syncfs takes that much longer, each write-out at least")  # fmt: skip
    add("--neighbour", action="store_true", help="another program writes 50 MB/s to the same disk")
    add("--rounds", type=_at_least_one, default=3, help="how often each receiver runs each load (3)")
    add("--short", action="store_true",
        help=f"send only one in {SHORT} messages, for slow peers")  # fmt: skip
    titles = [each.title for each in (*LOADS, *TLS_LOADS, *CHECKED_LOADS)]
    add("--load", action="append", choices=titles, metavar="TITLE",
        help=f"only these, repeatable: {'; '.join(titles)}")  # fmt: skip
    add("--tls", action="store_true", help="the loads over STARTTLS, in place of the plain ones")
    add("--checks", action="store_true",
        help="mail with and without DKIM, where each receiver checks the senders by SPF, DKIM and DMARC; "
        "also Letterbox without checks")  # fmt: skip
    add("--hooks", action="store_true",
        help="what a hook costs, and nothing else: Letterbox without one, with one, and with one whose target"
        " is down (use --rounds 10)")  # fmt: skip
    add("--own-client", action="store_true",
        help="put each plain load by our own client, too, to compare it with smtp-source")  # fmt: skip
    add("--workers", action="append", type=_at_least_one, default=[], metavar="NUMBER",
        help="also measure Letterbox with this number of workers; repeatable")  # fmt: skip
    add("--deployed", action="store_true",
        help="also measure each as deployed: the release, with the Python of the lab's target")  # fmt: skip
    add(
        "--also", action="append", type=Path, default=[], help="also measure another checkout of this project"
    )
    add("--folder", type=Path, default=Path("/var/tmp"), help="the folder for the image (/var/tmp)")
    add("--json", type=Path, help="write all numbers to this file")
    add("--drawing", type=Path, help="draw the medians into this SVG file")
    return parser


def _peers(text: str) -> list[str]:
    """Parse a list of receivers such as `postfix,exim`."""
    if text in ("all", "none"):
        return [each for each in PEERS.values() if each != CHECKED] if text == "all" else []
    if unknown := [each for each in text.split(",") if each not in PEERS]:
        known = f"all, none, or some of {','.join(PEERS)}"
        raise argparse.ArgumentTypeError(f"no peer {unknown[0]!r}: {known}")
    return [PEERS[each] for each in dict.fromkeys(text.split(","))]
