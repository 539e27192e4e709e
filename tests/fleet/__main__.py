"""The proof that the loss of a host loses nothing: `make fleet`, or `python -m tests.fleet [TRIAL ...]`.

It brings up a Ceph of three nodes in machines of the lab, two MX that promise the bucket, and senders that
behave as MTAs. Then it kills, hangs and cuts off their parts at random moments of a printed seed. After
each trial every mailbox is read, from the objects and from what `letterbox pull` made of them, and compared
by SHA-256. It ends with a table. The exit code is 1 if a message was lost, came twice or broken, or had to
wait too long.

`--engine weed` takes one process of SeaweedFS in the place of Ceph: no root, and no trials of the engine.
`--mutant` takes a bucket process that breaks a promise. The exit code is then 0 if the judge catches it.
"""

from __future__ import annotations

import argparse
import random
import shlex
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.fleet import rate, runs
from tests.fleet.engine import ceph, cluster
from tests.fleet.fleet import Row
from tests.fleet.mutants import MUTANTS
from tests.fleet.table import table, wrong
from tests.lab.errors import LabError
from tests.lab.machines import image

TRIALS = ("kills", "nodes", "engine", "answers", "shared", "rate")


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the engine is taken down
    seed = arguments.seed if arguments.seed is not None else random.SystemRandom().randrange(1_000_000)
    started = time.monotonic()
    print(f"seed {seed}: the same kills with {shlex.join(['--seed', str(seed)])}", flush=True)
    rows: list[Row] = []
    try:
        with tempfile.TemporaryDirectory(prefix="letterbox-fleet-") as folder:
            said = _run(arguments, Path(folder), seed, rows)
    except LabError as error:
        print(f"fleet: {error}", file=sys.stderr)
        return 1
    finally:  # also of a run that was cut off
        print(f"\n{table(rows) if rows else ''}\n({time.monotonic() - started:.0f} s)", flush=True)
    for line in said:
        print(line)
    if arguments.mutant:
        return 0 if runs.caught(arguments.mutant, rows) else 1
    if found := wrong(rows):
        print(found)
    return 0 if (rows or said) and all(rows) else 1  # Rates have no rows.


def _run(arguments: argparse.Namespace, folder: Path, seed: int, rows: list[Row]) -> list[str]:
    """Appends a row for each trial, and returns what else there is to say."""

    def show(row: Row) -> None:
        rows.append(row)
        _show(row)

    plan = runs.Plan(seed, arguments.rounds, arguments.puts, arguments.mutant, show)
    wanted = arguments.trial or list(TRIALS[:4])
    if arguments.engine == "weed":
        runs.on_weed(plan, folder)
        return []
    if not cluster.IMAGE.is_built():
        print("The image of Ceph's nodes is built once: some minutes", flush=True)
    image.build(cluster.IMAGE, lambda what, share: None)
    began = time.monotonic()
    with ceph.running() as engine:
        print(f"Ceph: three nodes are up after {time.monotonic() - began:.0f} s", flush=True)
        runs.on_ceph(plan, engine, folder, wanted)
        return rate.figures(engine, folder, seed, _say) if "rate" in wanted and not plan.mutant else []


def _show(row: Row) -> None:
    verdict = row.verdict
    _say(
        f"{row.trial}: {row.rounds} rounds, {row.acknowledged} acknowledged, {len(verdict.lost)} lost,"
        f" {len(verdict.twice)} twice, {len(verdict.broken)} broken; {row.unknown} outcomes unknown;"
        f" slowest answer {row.slowest:.1f} s, longest pause {row.pause:.1f} s; {row.replies}"
    )
    for each in row.wrong:
        _say(f"  WRONG: {each}")


def _say(line: str) -> None:
    print(line, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.fleet",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "trial",
        nargs="*",
        choices=[*TRIALS, []],
        help=f"of {', '.join(TRIALS)} (the first four)",
        metavar="TRIAL",
    )
    parser.add_argument("--rounds", type=int, default=108, help="kills in all (108)")
    parser.add_argument("--puts", type=int, default=6, help="in turn, that get each wrong answer (6)")
    parser.add_argument("--seed", type=int, help="of all random moments (a new one)")
    parser.add_argument("--engine", choices=("ceph", "weed"), default="ceph", help="(ceph)")
    parser.add_argument("--mutant", choices=list(MUTANTS), help="a bucket process that must be caught")
    return parser


if __name__ == "__main__":
    sys.exit(main())
