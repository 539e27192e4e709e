"""Durable messages per second of Letterbox and of other receivers, on a disk of its own.

Run `make bench`, or `python -m benchmarks.mail` as root, because it mounts a file system image in a namespace
of its own. The receivers take turns, A B A B …, with a load from Postfix's `smtp-source`. After each run
every message must be whole in the Maildir. The table has medians, their spread, and the ratio to each peer in
the same round.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.mail.deployed import Release, deployed, release
from benchmarks.mail.disks.disk import KINDS, disk
from benchmarks.mail.disks.neighbour import RATE, writing
from benchmarks.mail.disks.slow import check_loaded, check_slowed, library
from benchmarks.mail.drawing import drawing
from benchmarks.mail.errors import Broken
from benchmarks.mail.load import Load, Result, run
from benchmarks.mail.loads import LOADS, SHORT, TLS_LOADS, wanted
from benchmarks.mail.others import (
    huge_message,
    idle_connections,
    idle_tls_connections,
    noop_beside_big_senders,
)
from benchmarks.mail.receivers import PEERS, Receiver, ours, peer
from benchmarks.mail.table import table

ROOT = Path(__file__).resolve().parents[2]
_ISOLATED = "LETTERBOX_MOUNTS_ARE_OURS"


def main(argv: Sequence[str] | None = None) -> int:
    arguments = parser().parse_args(argv)
    if os.geteuid():
        print("benchmarks.mail: mounting a file system image needs root: run it with sudo", file=sys.stderr)
        return 1
    if os.environ.get(_ISOLATED) != "yes":
        command = ["unshare", "--mount", "--propagation", "private", sys.executable, "-m", "benchmarks.mail"]
        command += sys.argv[1:] if argv is None else list(argv)
        os.chdir(ROOT)
        os.execvpe(command[0], command, os.environ | {_ISOLATED: "yes"})
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        return _measure_all(arguments)
    except (Broken, OSError, KeyboardInterrupt) as error:
        _progress("")
        print(f"benchmarks.mail: {str(error) or 'interrupted'}", file=sys.stderr)
        return 130 if isinstance(error, KeyboardInterrupt) else 1


def _measure_all(arguments: argparse.Namespace) -> int:
    found: dict[str, Any] = {}
    built = release() if arguments.deployed else None
    for kind in arguments.disk or ["ext4"]:
        found[kind] = measure(kind, arguments, built)
        print(table(found[kind]), flush=True)
        if arguments.json:
            arguments.json.write_text(json.dumps(found, indent=1) + "\n")
    if arguments.drawing:
        results = next(iter(found.values()))
        caption = f"on {results['conditions']}, durable before every 250"
        arguments.drawing.write_text(drawing(results["rates"], caption))
    return 0


def measure(kind: str, arguments: argparse.Namespace, built: Release | None = None) -> dict[str, Any]:
    """Run all loads on one kind of file system. Returns the numbers of each round by receiver and load."""
    loads = wanted(arguments)
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=arguments.folder)))
        mount = stack.enter_context(disk(kind, folder))
        preload = library(arguments.sync_delay, folder) if arguments.sync_delay else None
        mine = [stack.enter_context(each) for each in _ours(mount, folder, preload, arguments, built)]
        peers = [
            stack.enter_context(peer(each, mount / each.replace(" ", "-"), preload))
            for each in arguments.peers
        ]
        neighbour: list[float] = []
        runs: dict[str, dict[str, list[Result]]] = {
            each.name: {load.title: [] for load in loads} for each in (*mine, *peers)
        }
        for number in range(arguments.rounds):
            for load in loads:
                for receiver in (*mine, *peers):
                    _progress(f"round {number + 1} of {arguments.rounds}: {load.title}, {receiver.name}")
                    with writing(mount) if arguments.neighbour else _nobody() as wrote:
                        result = run(receiver, load)
                    neighbour += wrote
                    if preload:
                        check_loaded(receiver)
                        check_slowed(receiver, load, result, arguments.sync_delay)
                    runs[receiver.name][load.title].append(result)
        _progress("")
        found = {"conditions": conditions(kind, arguments), "ours": [each.name for each in mine]}
        found["python"] = {each.name: each.python for each in mine}
        found |= {"neighbour": neighbour} | _summary(runs, loads)
        if not arguments.load and not preload and not arguments.neighbour:
            found["others"] = {each.name: others(each) for each in mine}
        return found


def _nobody() -> contextlib.AbstractContextManager[list[float]]:
    return contextlib.nullcontext([])


def _ours(
    mount: Path, folder: Path, preload: Path | None, arguments: argparse.Namespace, built: Release | None
) -> Iterator[contextlib.AbstractContextManager[Receiver]]:
    """Our receivers: this checkout with one worker and with more, each also deployed, and other checkouts."""
    for each in dict.fromkeys([1, *arguments.workers]):
        yield ours(mount / f"ours{each}", folder / f"ours{each}", workers=each, preload=preload)
        if built:
            yield deployed(built, mount / f"deployed{each}", workers=each, preload=preload)
    for number, other in enumerate(arguments.also):
        yield ours(mount / f"also{number}", folder / f"also{number}", checkout=other, preload=preload)


def conditions(kind: str, arguments: argparse.Namespace) -> str:
    """The conditions of the disk, in words."""
    words = [kind]
    words += [f"every sync {arguments.sync_delay} ms slower"] * bool(arguments.sync_delay)
    words += [f"beside a writer of {RATE // 1_000_000} MB/s"] * arguments.neighbour
    return ", ".join(words)


def _summary(runs: dict[str, dict[str, list[Result]]], loads: Sequence[Load]) -> dict[str, Any]:
    def each(what: Any) -> dict[str, dict[str, list[float]]]:
        return {
            name: {load.title: [what(result, load) for result in of[load.title]] for load in loads}
            for name, of in runs.items()
        }

    return {
        "rates": each(lambda result, load: result.rate(load)),
        "cpu": each(lambda result, load: result.cpu / load.messages),
        "memory": each(lambda result, load: result.memory),
        "late": each(lambda result, load: result.late),
        "accepted": each(lambda result, load: result.accepted(load)),
    }


def others(receiver: Receiver) -> dict[str, Any]:
    """Print the memory and the fairness of one of our receivers."""
    _progress("25 MiB, NOOP beside big senders, 5,000 idle connections")
    huge = huge_message(receiver)
    median, high = noop_beside_big_senders(receiver)
    before, idle = idle_connections(receiver)
    over_tls = idle_tls_connections(receiver)[1]
    _progress("")
    return {"huge": huge, "noop": [median, high], "idle": [before, idle], "idle over TLS": over_tls}


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def _peers(text: str) -> list[str]:
    """Parse a list of receivers such as `postfix,exim`."""
    if text in ("all", "none"):
        return list(PEERS.values()) if text == "all" else []
    if unknown := [each for each in text.split(",") if each not in PEERS]:
        known = f"all, none, or some of {','.join(PEERS)}"
        raise argparse.ArgumentTypeError(f"no peer {unknown[0]!r}: {known}")
    return [PEERS[each] for each in dict.fromkeys(text.split(","))]


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _at_least_one(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1")
    return int(text)


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mail", description=__doc__)
    add = parser.add_argument
    add("--peers", type=_peers, default="postfix", metavar="LIST",
        help=f"receivers to compare with: all, none, or a list of {','.join(PEERS)} (postfix)")  # fmt: skip
    add("--disk", action="append", choices=list(KINDS), help="file system (ext4); repeatable")
    add("--sync-delay", type=_at_least_one, metavar="MS",
        help="each fsync, fdatasync and syncfs takes that much longer, each write-out at least")  # fmt: skip
    add("--neighbour", action="store_true", help="another program writes 50 MB/s to the same disk")
    add("--rounds", type=_at_least_one, default=3, help="how often each receiver runs each load (3)")
    add("--short", action="store_true",
        help=f"send only one in {SHORT} messages, for slow peers")  # fmt: skip
    titles = [each.title for each in (*LOADS, *TLS_LOADS)]
    add("--load", action="append", choices=titles, metavar="TITLE",
        help=f"only these, repeatable: {'; '.join(titles)}")  # fmt: skip
    add("--tls", action="store_true", help="the loads over STARTTLS, in place of the plain ones")
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


if __name__ == "__main__":
    sys.exit(main())
