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

from benchmarks.mail import hooks
from benchmarks.mail.arguments import parse
from benchmarks.mail.checks.running import checked
from benchmarks.mail.deployed import Release, deployed, release
from benchmarks.mail.disks.disk import disk
from benchmarks.mail.disks.neighbour import RATE, writing
from benchmarks.mail.disks.slow import check_loaded, check_slowed, library
from benchmarks.mail.drawing import drawing
from benchmarks.mail.errors import Broken
from benchmarks.mail.load import Load, Result, run
from benchmarks.mail.loads import wanted
from benchmarks.mail.others import (
    huge_message,
    idle_connections,
    idle_tls_connections,
    noop_beside_big_senders,
)
from benchmarks.mail.receivers import Receiver, fetch, ours, peer
from benchmarks.mail.table import table

ROOT = Path(__file__).resolve().parents[2]
_ISOLATED = "LETTERBOX_MOUNTS_ARE_OURS"


def main(argv: Sequence[str] | None = None) -> int:
    arguments = parse(argv, __doc__)
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
    if arguments.hooks:
        for kind in arguments.disk or ["ext4"]:
            found[kind] = hooks.measure(kind, arguments.folder, arguments.rounds, _progress)
            print(hooks.table(kind, found[kind]), flush=True)
        if arguments.json:
            arguments.json.write_text(json.dumps(found, indent=1) + "\n")
        return 0
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
        resolver = None
        if arguments.checks:
            for each in arguments.peers:
                fetch(each)
            _progress("preparing the messages")
            loads, resolver = stack.enter_context(checked(loads, folder))
        mine = [
            stack.enter_context(each) for each in _ours(mount, folder, preload, arguments, built, resolver)
        ]
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
        if not arguments.load and not preload and not arguments.neighbour and not arguments.checks:
            found["others"] = {each.name: others(each) for each in mine}
        return found


def _nobody() -> contextlib.AbstractContextManager[list[float]]:
    return contextlib.nullcontext([])


def _ours(
    mount: Path,
    folder: Path,
    preload: Path | None,
    arguments: argparse.Namespace,
    built: Release | None,
    resolver: Path | None,
) -> Iterator[contextlib.AbstractContextManager[Receiver]]:
    """Our receivers: this checkout with one worker and with more, each also deployed, and other checkouts.

    If there is a resolver, each of this checkout checks its senders, and comes without checks after that.
    """
    for socket in (resolver, None) if resolver else (None,):
        kind = "checks" if socket else "ours"
        for each in dict.fromkeys([1, *arguments.workers]):
            place = f"{kind}{each}"
            yield ours(mount / place, folder / place, workers=each, preload=preload, resolver=socket)
            if built:
                store = mount / f"deployed-{place}"
                yield deployed(built, store, workers=each, preload=preload, checks=bool(socket))
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


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
