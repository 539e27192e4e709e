"""Play every dialogue with receivers, and print a table of dialogues and servers.

`python -m tests.conformance HOST:PORT ...` plays with receivers that already run. `--ours` starts ours on
loopback. `--peers` starts Debian's Postfix, Exim, OpenSMTPD and chasquid. Exit codes: 0: ours keeps to every
dialogue (without ours: all servers do). 1: it does not. 2: wrong usage, or a server does not answer.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.conformance.dialogue import Dialogue, load
from tests.conformance.play import ADDRESSES, Outcome, Server, offers, play

MARKS = {"ok": "ok", "differs": "DIFFERS", "skipped": "-"}
Results = dict[str, list[Outcome]]


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)
    dialogues = [each for each in load() if arguments.only in f"{each.source}: {each.title}"]
    if not (arguments.server or arguments.ours or arguments.peers):
        _parser().error("no receiver: HOST:PORT, --ours or --peers")
    with contextlib.ExitStack() as stack:
        servers = {
            f"{host}:{port}": Server(host, port, _addresses(arguments)) for host, port in arguments.server
        }
        if arguments.ours:
            from tests.conformance.ours import running

            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            servers["Letterbox"] = stack.enter_context(running(folder))
        if arguments.peers:
            from tests.conformance.peers import running_peers

            servers |= stack.enter_context(running_peers())
        try:
            with ThreadPoolExecutor(len(servers)) as pool:
                outcomes = pool.map(lambda server: run(dialogues, server), servers.values())
                results = dict(zip(servers, outcomes, strict=True))
        except OSError as error:
            print(f"nobody answers: {error}", file=sys.stderr)
            return 2
    _print_table(dialogues, results, whys=arguments.why)
    judged = [results["Letterbox"]] if arguments.ours else list(results.values())
    return int(any(outcome.mark == "differs" for outcomes in judged for outcome in outcomes))


def run(dialogues: Sequence[Dialogue], server: Server, *, at_once: int = 8) -> list[Outcome]:
    """The outcomes of all dialogues, in order. Raises OSError if nobody answers."""
    offered = offers(server)
    with ThreadPoolExecutor(at_once) as pool:
        return list(pool.map(lambda each: play(each, server, offered), dialogues))


def _print_table(dialogues: Sequence[Dialogue], results: Results, *, whys: bool) -> None:
    widths = {name: max(len(name), 7) for name in results}
    print("  ".join(f"{name:<{width}}" for name, width in widths.items()) + "  dialogue")
    for at, dialogue in enumerate(dialogues):
        marks = "  ".join(f"{MARKS[results[name][at].mark]:<{width}}" for name, width in widths.items())
        print(f"{marks}  {dialogue.source}: {dialogue.title}  ({dialogue.origin})")
        for name in results:
            if whys and results[name][at].mark == "differs":
                print(f"{'':8}{name}: {results[name][at].why}")
    print()
    sources = sorted({each.source for each in dialogues})
    for source in [*sources, "all"]:
        chosen = [at for at, each in enumerate(dialogues) if source in (each.source, "all")]
        counts = []
        for name in results:
            marks = [results[name][at].mark for at in chosen]
            differ, skipped = marks.count("differs"), marks.count("skipped")
            counts.append(f"{name} {marks.count('ok')} ok, {differ} differ, {skipped} skipped")
        print(f"{source} ({len(chosen)}): " + "; ".join(counts))


def _addresses(arguments: argparse.Namespace) -> dict[str, str]:
    named = {name: getattr(arguments, name) for name in ADDRESSES}
    return {name: value or ADDRESSES[name] for name, value in named.items()}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.conformance", description=__doc__)
    parser.add_argument("server", nargs="*", type=_host_port, metavar="HOST:PORT")
    parser.add_argument("--ours", action="store_true", help="start ours on loopback too")
    parser.add_argument(
        "--peers", action="store_true", help="start Debian's receivers on loopback too (root)"
    )
    parser.add_argument(
        "--only", default="", metavar="TEXT", help="only dialogues with this text in their title"
    )
    parser.add_argument("--why", action="store_true", help="print under each row where a server differs")
    for name, value in ADDRESSES.items():
        parser.add_argument(f"--{name}", metavar="NAME", help=f"what {{{name}}} stands for ({value})")
    return parser


def _host_port(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT")
    return host.strip("[]"), int(port)


if __name__ == "__main__":
    sys.exit(main())
