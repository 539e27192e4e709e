"""The durability proofs, with their numbers: `python -m tests.receiver.durability [kills|cuts|faults] ...`.

Without a name it runs all of them, at the length of `make durability`, and the kills and power cuts once more
with a receiver that checks senders and has hooks. The exit code is 1 if a message was lost, or if a hook was
not told of one. The power cuts need root. They run in a mount namespace of their own, so that no mount stays.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.receiver.durability.cuts import KINDS, Cut, cuts, under_load
from tests.receiver.durability.hooks import HookVerdict, Target
from tests.receiver.durability.kills import kill_again_and_again, kill_hooks
from tests.receiver.durability.liars import HOOK_LIARS, LIARS, WITHOUT_LOG, recovery_of
from tests.receiver.processes import ROOT

_CHECKED = ", who are checked"
_ISOLATED = "LETTERBOX_MOUNTS_ARE_OURS"


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # several processes print
    wanted = [arguments.proof] if arguments.proof else list(PROOFS)
    if not arguments.proof:
        arguments.liar, arguments.disk = [*LIARS, *HOOK_LIARS], arguments.disk or list(KINDS)
    good = [PROOFS[name](arguments) for name in wanted]
    if not arguments.proof:
        arguments.checks, arguments.hooks, arguments.liar = True, True, []
        good += [kills(arguments), power_cuts(arguments)]
    return 0 if all(good) else 1


def kills(arguments: argparse.Namespace) -> bool:
    started, last = time.monotonic(), None
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder, Target(lambda: 0) as target:
        rounds = kill_again_and_again(
            Path(folder), arguments.rounds, seed=arguments.seed, workers=arguments.workers,
            checks=arguments.checks, target=target if arguments.hooks else None,
        )  # fmt: skip
        for last in rounds:
            print(f"\r  {last.rounds} kills, {last.acknowledged} acknowledged", end="", file=sys.stderr)
            if last.wrong:
                print(f"\nLOST after {last.rounds} kills: {last.wrong}")
                return False
    assert last
    of = f"of one of {arguments.workers} workers, then of all, " if arguments.workers > 1 else ""
    print(
        f"\r(a) {last.rounds} times kill -9 {of}under 8 senders{_CHECKED * arguments.checks}:"
        f" {last.acknowledged} messages acknowledged"
        f" ({last.acknowledged / last.rounds:.0f} a round), each in both mailboxes with its SHA-256, once;"
        f" 0 lost, 0 broken; {last.unacknowledged} more were there whole"
        f" ({time.monotonic() - started:.0f} s)"
    )
    if last.hooks:
        print(f"    {last.rounds} times kill -9 of their hooks, too: {_told([last.hooks])}")
        return bool(last.hooks) and _kill_hooks(arguments)
    return True


def _kill_hooks(arguments: argparse.Namespace) -> bool:
    """Kill the hooks alone. Then kill some that remove the link before they post, which must be caught."""
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        found = kill_hooks(Path(folder), 50, seed=arguments.seed)
    print(f"    50 times kill -9 of the hooks alone: {_told([found])}")
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        caught = kill_hooks(Path(folder), 10, seed=arguments.seed, options="--unlinks-first")
    print(f"    hooks that remove the link before they post: {len(caught.lost)} messages lost by 10 kills")
    return bool(found) and bool(caught.lost)


def _told(verdicts: Sequence[HookVerdict]) -> str:
    """What became of the hooks, in all of the verdicts."""
    lost, broken, renamed = (
        sum(len(getattr(each, name)) for each in verdicts) for name in ("lost", "broken", "renamed")
    )
    told, repeats = sum(each.told for each in verdicts), sum(each.repeats for each in verdicts)
    return f"{told} tellings, {lost} lost, {broken} broken, {renamed} with two ids, {repeats} repeated"


def power_cuts(arguments: argparse.Namespace) -> bool:
    if os.environ.get(_ISOLATED) != "yes":
        command = ["unshare", "--mount", "--propagation", "private", sys.executable, "-m", __spec__.parent]
        command += ["cuts", "--cuts", str(arguments.cuts), "--seconds", str(arguments.seconds)]
        command += ["--checks"] * arguments.checks + ["--hooks"] * arguments.hooks
        command += ["--runs", str(arguments.runs), "--seed", str(arguments.seed)]
        command += [each for kind in arguments.disk or ["ext4"] for each in ("--disk", kind)]
        command += [each for liar in arguments.liar for each in ("--liar", liar)]
        return subprocess.run(command, cwd=ROOT, env=os.environ | {_ISOLATED: "yes"}).returncode == 0
    withstood = [_cut_and_judge(kind, arguments) for kind in arguments.disk or ["ext4"]]
    caught = [_catch(liar, arguments) for liar in arguments.liar]
    return all(withstood) and all(caught)


def _cut_and_judge(kind: str, arguments: argparse.Namespace) -> bool:
    started = time.monotonic()
    found: list[Cut] = []
    for number in range(arguments.runs):
        share = arguments.cuts // arguments.runs
        lie = WITHOUT_LOG + "pass" if number and number == arguments.runs - 1 else ""
        found += _cut(
            lie, arguments.seconds, share, arguments.seed + number, kind=kind, checks=arguments.checks,
            hooked=arguments.hooks, recovers=recovery_of(""),
        )  # fmt: skip
    lost, broken, twice = (
        sum(len(getattr(each.verdict, name)) for each in found) for name in ("lost", "broken", "twice")
    )
    due = [each.acknowledged for each in found]
    how = ", ".join(f"{n} {name}" for name, n in Counter(each.survives for each in found).items())
    print(
        f"(b) {len(found)} power cuts on {kind}{_CHECKED * arguments.checks},"
        f" {sum(due)} acknowledged messages looked for"
        f" ({min(due)} to {max(due)} a cut), in two mailboxes each: {lost} lost, {broken} broken,"
        f" {twice} twice; {sum(each.recovered for each in found)} files made from the log"
        f" ({time.monotonic() - started:.0f} s); of what was not flushed survived: {how}"
    )
    if arguments.hooks:
        print(f"    their hooks: {_told([each.hooks for each in found])}")
    return all(each.verdict and each.hooks for each in found)


def _catch(liar: str, arguments: argparse.Namespace) -> bool:
    lie, hooked = (LIARS | HOOK_LIARS)[liar], liar in HOOK_LIARS
    number, recovers = min(arguments.cuts, 10), recovery_of(liar)
    found = _cut(lie, arguments.seconds, number, arguments.seed, recovers=recovers, hooked=hooked)
    bad = sum(not (each.hooks if hooked else each.verdict) for each in found)
    print(f"    a receiver with {liar}: caught at {bad} of {len(found)} cuts")
    return bad > 0


def _cut(
    lie: str,
    seconds: float,
    number: int,
    seed: int,
    *,
    kind: str = "ext4",
    recovers: Callable[[Path], int],
    checks: bool = False,
    hooked: bool = False,
) -> list[Cut]:
    with tempfile.TemporaryDirectory() as folder:
        run = under_load(Path(folder), seconds, kind=kind, seed=seed, lie=lie, checks=checks, hooked=hooked)
        return list(cuts(run, number, Path(folder), seed=seed, recovers=recovers))


def faults(arguments: argparse.Namespace) -> bool:
    """Run the fault injection with pytest, and print its numbers."""
    command = [sys.executable, "-m", "pytest", "-q", "-s", "tests/receiver/storage/test_faults.py"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    lines = [line.lstrip(".") for line in done.stdout.splitlines() if line.lstrip(".").startswith("(")]
    print("\n".join(lines) if done.returncode == 0 else done.stdout)
    return done.returncode == 0


PROOFS = {"kills": kills, "cuts": power_cuts, "faults": faults}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.receiver.durability", description=__doc__)
    parser.add_argument("proof", nargs="?", choices=list(PROOFS))
    parser.add_argument("--rounds", type=int, default=200, help="kills (200)")
    parser.add_argument("--workers", type=int, default=1, help="of the receiver that is killed (1)")
    parser.add_argument("--cuts", type=int, default=100, help="power cuts on each file system (100)")
    parser.add_argument("--disk", action="append", choices=list(KINDS), help="file system (all; cuts: ext4)")
    parser.add_argument("--runs", type=int, default=4, help="times under load that the cuts are made of (4)")
    parser.add_argument("--seconds", type=float, default=3.0, help="each time under load (3)")
    parser.add_argument(
        "--liar", action="append", choices=[*LIARS, *HOOK_LIARS], default=[], help="must be caught"
    )
    parser.add_argument("--checks", action="store_true", help="the receiver checks senders")
    parser.add_argument("--hooks", action="store_true", help="the receiver has hooks")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="where the kills' mail is kept (the system's own)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
