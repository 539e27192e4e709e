"""Letterbox beside what would be installed instead: durable mail a second, on a disk of its own.

`make bench`, or `python -m benchmarks.mail` (root: it mounts a file system image, in a namespace of its own).
Receivers take turns, A B A B …, under Postfix's `smtp-source`; after each run every message must lie whole in
the Maildir. Shown are medians, their spread and the ratio to Postfix of the same round.
"""

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import mail_drawing, mail_load, mail_others
from benchmarks.mail_load import Load, Receiver, Result

ROOT = Path(__file__).resolve().parents[1]
LOADS = (
    Load("1 session", 1, 600, 10_240),
    Load("20 sessions", 20, 2000, 10_240),
    Load("200 sessions", 200, 3000, 10_240),
    Load("1, one a connection", 1, 500, 10_240, kept=False),
    Load("20, one a connection", 20, 1500, 10_240, kept=False),
    Load("200, one a connection", 200, 1500, 10_240, kept=False),
    Load("20 x 1 MiB", 20, 160, 1 << 20),
)
PEERS = {"none": (), "postfix": ("Postfix",), "all": ("Postfix", "Exim", "OpenSMTPD")}
OURS = "Letterbox"
_ISOLATED = "LETTERBOX_MOUNTS_ARE_OURS"


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)
    if os.geteuid():
        print("benchmarks.mail: mounting a file system image needs root: run it with sudo", file=sys.stderr)
        return 1
    if os.environ.get(_ISOLATED) != "yes":
        command = ["unshare", "--mount", "--propagation", "private", sys.executable, "-m", "benchmarks.mail"]
        command += sys.argv[1:] if argv is None else list(argv)
        return subprocess.run(command, cwd=ROOT, env=os.environ | {_ISOLATED: "yes"}).returncode
    found: dict[str, Any] = {}
    for kind in arguments.disk or ["ext4"]:
        try:
            found[kind] = measure(kind, arguments)
        except mail_load.Broken as error:
            print(f"benchmarks.mail: {error}", file=sys.stderr)
            return 1
        print(table(kind, found[kind]), flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=1) + "\n")
    if arguments.drawing:
        kind, results = next(iter(found.items()))
        arguments.drawing.write_text(
            mail_drawing.drawing(results["rates"], f"on {kind}, fsync before every 250")
        )
    return 0


def measure(kind: str, arguments: argparse.Namespace) -> dict[str, Any]:
    """All loads on one kind of file system: per receiver and load, the rate, CPU and memory of each round."""
    loads = [each for each in LOADS if not arguments.load or each.title in arguments.load]
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=arguments.folder)))
        disk = stack.enter_context(mail_load.disk(kind, folder))
        receivers = [stack.enter_context(mail_load.ours(OURS, disk / "ours", folder / "server"))]
        for number, other in enumerate(arguments.also):
            mine = mail_load.ours(other.name, disk / f"also{number}", folder / f"also{number}", other)
            receivers.append(stack.enter_context(mine))
        receivers += [
            stack.enter_context(mail_load.peer(each, disk / each)) for each in PEERS[arguments.peers]
        ]
        runs = {each.name: {load.title: [] for load in loads} for each in receivers}
        for number in range(arguments.rounds):
            for load in loads:
                for receiver in receivers:
                    _progress(f"round {number + 1} of {arguments.rounds}: {load.title}, {receiver.name}")
                    runs[receiver.name][load.title].append(mail_load.run(receiver, load))
        _progress("")
        return _summary(runs, loads) | ({} if arguments.load else others(receivers[0]))


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
    }


def others(receiver: Receiver) -> dict[str, Any]:
    """Memory and fairness of ours."""
    _progress("25 MiB, NOOP beside big senders, 5,000 idle connections")
    huge = mail_others.huge_message(receiver)
    median, high = mail_others.noop_beside_big_senders(receiver)
    before, idle = mail_others.idle_connections(receiver)
    _progress("")
    return {"huge": huge, "noop": [median, high], "idle": [before, idle]}


def table(kind: str, found: dict[str, Any]) -> str:
    """For people."""
    rates, peers = found["rates"], [name for name in found["rates"] if name != OURS]
    lines = ["", f"{kind}: messages a second, median (least to most); CPU a message; memory after the load"]
    for title in rates[OURS]:
        lines.append(f"  {title}")
        for name, of in rates.items():
            values, late = of[title], max(found["late"][name][title])
            cpu = statistics.median(found["cpu"][name][title]) * 1e3
            memory = max(found["memory"][name][title]) / 2**20
            lines.append(
                f"    {name:<12}{statistics.median(values):7.0f}  ({min(values):.0f} to {max(values):.0f})"
                f"{cpu:8.2f} ms{memory:7.0f} MiB"
                + "".join(
                    f"   x {_ratio(rates, peer, title):.1f} of {peer}" for peer in peers if name == OURS
                )
                + (f"   {late:.0f} LATE" if late else "")
            )
    if "huge" in found:
        median, high = (seconds * 1e3 for seconds in found["noop"])
        before, idle = (octets / 2**20 for octets in found["idle"])
        lines.append(
            f"  {OURS}: {mail_others.IDLE} idle connections {idle:.0f} MiB in all ({before:.0f} without);"
        )
        lines.append(
            f"    a 25 MiB message {found['huge'] / 2**20:.1f} MiB above idle; NOOP beside four senders"
        )
        lines.append(f"    of 25 MB each: median {median:.1f} ms, 99th percentile {high:.1f} ms")
    return "\n".join(lines)


def _ratio(rates: dict[str, dict[str, list[float]]], peer: str, title: str) -> float:
    pairs = zip(rates[OURS][title], rates[peer][title], strict=True)
    return statistics.median(mine / theirs for mine, theirs in pairs)


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mail", description=__doc__)
    parser.add_argument("--peers", choices=list(PEERS), default="postfix", help="whom to stand beside")
    parser.add_argument(
        "--disk", action="append", choices=["ext4", "xfs"], help="file system (ext4); repeatable"
    )
    parser.add_argument("--rounds", type=int, default=3, help="each receiver's runs of each load (3)")
    parser.add_argument(
        "--load", action="append", help=f"only these: {', '.join(each.title for each in LOADS)}"
    )
    parser.add_argument(
        "--also", action="append", type=Path, default=[], help="another checkout of this project"
    )
    parser.add_argument(
        "--folder", type=Path, default=Path("/var/tmp"), help="where the image lies (/var/tmp)"
    )
    parser.add_argument("--json", type=Path, help="write every number there")
    parser.add_argument("--drawing", type=Path, help="draw the medians there, as SVG")
    return parser


if __name__ == "__main__":
    sys.exit(main())
