"""Whole runs: which trials, in which order, and how many rounds each has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bucket.gateway import Gateway, gateway
from tests.fleet import quick, shared_folder, trials
from tests.fleet.engine.ceph import Ceph
from tests.fleet.fleet import Action, Fleet, Row
from tests.fleet.mutants import CAUGHT_BY, program
from tests.fleet.mx import BUCKET_PROGRAM

# Each of these two catches a mutant.
_RECEIVER, _HANG = "kill -9 of a receiver", "two of three OSDs hang for 30 s"
# The shares of the rounds. A round with a node takes a quarter of a minute, the others some two seconds.
_SHARES = {
    _RECEIVER: 0.26,
    "kill -9 of a bucket process": 0.26,
    "kill -9 of both": 0.22,
    "an MX lost, disk and all": 0.12,
}
_NODES, _NODES_AND_MX = 0.1, 0.04
_DELAY = 0.05  # seconds that a PUT takes at least, with the quick engine


@dataclass(frozen=True, slots=True)
class Plan:
    """What is the same for all trials. `rounds` are the kills in all, `show` gets each row."""

    seed: int
    rounds: int
    puts: int  # that get each wrong answer in turn
    mutant: str | None
    show: Callable[[Row], None]

    @property
    def program(self) -> Sequence[str]:
        return program(self.mutant) if self.mutant else BUCKET_PROGRAM

    def share(self, part: float) -> int:
        return max(1, round(self.rounds * part))


def on_ceph(plan: Plan, engine: Ceph, folder: Path, wanted: Sequence[str]) -> None:
    """The trials that are wanted. A mutant gets the one that must catch it, in their place."""
    with Fleet(engine, folder / "fleet", plan.seed, program=plan.program, pulls=not plan.mutant) as fleet:
        if plan.mutant == "unique":
            plan.show(fleet.trial(_RECEIVER, trials.of_the_mx(fleet)[_RECEIVER](plan.rounds)))
            return
        if plan.mutant:
            plan.show(fleet.trial(_HANG, trials.of_the_engine(engine)[_HANG]))
            return
        if "kills" in wanted:
            for name, rounds in trials.of_the_mx(fleet).items():
                plan.show(fleet.trial(name, rounds(plan.share(_SHARES[name]))))
        if "nodes" in wanted:
            plan.show(
                fleet.trial(
                    "kill -9 of an engine node", trials.of_the_nodes(fleet, engine)(plan.share(_NODES))
                )
            )
            both = trials.of_all(fleet, engine)(plan.share(_NODES_AND_MX))
            plan.show(fleet.trial("kill -9 of a node and an MX", both))
        if "engine" in wanted:
            for name, acts in trials.of_the_engine(engine).items():
                plan.show(fleet.trial(name, acts))
        if fleet.ledgers:
            plan.show(_last_look(fleet, len(engine.nodes) - 1))
    if "answers" in wanted:
        # The gateway listens here, so these MX are not on a wire.
        with gateway(engine.urls[0].rpartition("/")[0]) as gate:
            other = Fleet(
                engine, folder / "answers", plan.seed + 1, program=plan.program, urls=[gate.url("mail")],
                ledgers=fleet.ledgers, objects=fleet.objects, pulls=not plan.mutant,
            )  # fmt: skip
            with other:
                _answers(plan, other, gate)
    if "shared" in wanted:
        shared_folder.run(engine, folder / "shared", plan.seed, show=plan.show)


def on_weed(plan: Plan, folder: Path) -> None:
    """Kills of the MX's processes, also while the store hangs, and wrong answers of it.

    A mutant gets the one trial that must catch it. The trials are few, because each is judged for itself.
    """

    def run(name: str, acts: Sequence[Action]) -> None:
        plan.show(fleet.trial(name, acts))

    with quick.running() as weed, gateway(weed.engine.endpoint) as gate:
        # It answers within 3 ms, and no store that keeps more than one copy does.
        gate.delay = _DELAY
        fleet = Fleet(
            weed, folder / "fleet", plan.seed, program=plan.program, urls=[gate.url("mail")], pulls=False
        )
        with fleet:
            of_the_mx = trials.of_the_mx(fleet)
            hung, while_it_hangs = (
                trials.of_a_hung_store(fleet, gate),
                "kill -9 of both, while the store hangs",
            )
            if plan.mutant == "unique":
                run(_RECEIVER, of_the_mx[_RECEIVER](plan.rounds))
            elif plan.mutant:
                run(while_it_hangs, hung(plan.rounds))
            else:
                acts = [act for name, make in of_the_mx.items() for act in make(plan.share(_SHARES[name]))]
                run("kill -9 of each part, in turn", acts)
                run(while_it_hangs, hung(plan.share(_NODES)))
                fleet.pulls = True  # all that came before, too
                acts = [
                    act
                    for each in trials.FAULTS.values()
                    for act in trials.of_the_answers(gate, each, plan.puts)
                ]
                run("wrong answers, at each PUT", acts)


def _answers(plan: Plan, fleet: Fleet, gate: Gateway) -> None:
    """Each wrong answer at each of the first PUTs in turn."""
    for name, fault in trials.FAULTS.items():
        plan.show(fleet.trial(f"{name}, at each PUT", trials.of_the_answers(gate, fault, plan.puts)))


def _last_look(fleet: Fleet, node: int) -> Row:
    """Read every object once more, at a gateway at which none has been read, with the mail of all trials."""
    verdict = fleet.read_again(node)
    messages = sum(len(each.acknowledged) for each in fleet.ledgers)
    copies = sum(len(boxes) for each in fleet.ledgers for boxes in each.acknowledged.values())
    return Row("all read again at another gateway", 0, messages, copies, verdict, 0, 0.0, 0.0, "")


def caught(mutant: str, rows: Sequence[Row]) -> bool:
    """Whether the judge found what that mutant does, and says so."""
    found = sum(len(getattr(row.verdict, CAUGHT_BY[mutant])) for row in rows)
    print(f"the mutant {mutant!r}: {found} copies {CAUGHT_BY[mutant]}: {'caught' if found else 'NOT CAUGHT'}")
    return found > 0
