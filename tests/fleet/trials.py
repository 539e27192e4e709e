"""The trials: what is done to a fleet under load, each as a list of rounds."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack

from tests.bucket.gateway import Fault, Gateway
from tests.fleet.engine.ceph import Ceph
from tests.fleet.fleet import Action, Fleet
from tests.receiver.processes import wait_until

FAULTS = {
    "500": Fault.ERROR,
    "503": Fault.SLOW_DOWN,
    "409": Fault.CONFLICT,
    "412 though nothing is there": Fault.LYING_412,
    "500 though it was done": Fault.DONE_500,
    "a cut before it was done": Fault.CUT_BEFORE,
    "a cut after it was done": Fault.CUT_AFTER,
}


def of_the_mx(fleet: Fleet) -> dict[str, Callable[[int], Sequence[Action]]]:
    """The trials that kill parts of an MX, by their names. Each makes as many rounds as it is asked for."""

    def one(kill: str, longest: float) -> Callable[[int], Sequence[Action]]:
        def act(number: int) -> None:
            mx = fleet.mx[number % len(fleet.mx)]
            fleet.sleep(0.1, 1.0)
            getattr(mx, kill)()
            fleet.sleep(0, longest)
            mx.start()

        return lambda rounds: [lambda number=number: act(number) for number in range(rounds)]  # type: ignore[misc]

    return {
        "kill -9 of a receiver": one("kill_receiver", 0.5),
        "kill -9 of a bucket process": one("kill_bucket", 0.5),
        "kill -9 of both": one("kill", 0.5),
        "an MX lost, disk and all": one("lose", 1.5),
    }


def of_the_nodes(fleet: Fleet, engine: Ceph) -> Callable[[int], Sequence[Action]]:
    """Kill whole nodes of the engine in turn."""

    def act(number: int) -> None:
        fleet.sleep(0.2, 2.0)
        engine.kill(number % len(engine.nodes))
        fleet.sleep(1.0, 6.0)
        engine.boot(number % len(engine.nodes))

    return lambda rounds: [lambda number=number: act(number) for number in range(rounds)]  # type: ignore[misc]


def of_all(fleet: Fleet, engine: Ceph) -> Callable[[int], Sequence[Action]]:
    """Kill a node, and while it is away both processes of an MX, whose disk is erased every second time."""

    def act(number: int) -> None:
        mx = fleet.mx[number % len(fleet.mx)]
        fleet.sleep(0.2, 1.0)
        engine.kill(number % len(engine.nodes))
        fleet.sleep(0.1, 3.0)
        (mx.lose if number % 2 else mx.kill)()
        mx.start()
        engine.boot(number % len(engine.nodes))

    return lambda rounds: [lambda number=number: act(number) for number in range(rounds)]  # type: ignore[misc]


def of_a_hung_store(fleet: Fleet, gate: Gateway) -> Callable[[int], Sequence[Action]]:
    """Let the store hang, and kill an MX that waits for it."""

    def act(number: int) -> None:
        mx = fleet.mx[number % len(fleet.mx)]
        gate.every(Fault.HANG)
        fleet.sleep(0.3, 1.0)
        mx.kill()
        gate.heal()
        mx.start()

    return lambda rounds: [lambda number=number: act(number) for number in range(rounds)]  # type: ignore[misc]


def during(state: Callable[[], AbstractContextManager[None]], seconds: float) -> Action:
    """A round that lasts as long as the engine is in that state, and until it is well again."""

    def act() -> None:
        with state():
            time.sleep(seconds)

    return act


def of_the_engine(engine: Ceph, share: float = 1.0) -> dict[str, Sequence[Action]]:
    """The trials in which the engine, or the way to it, is ill. `share` shortens the times."""

    def cut_off(*numbers: int) -> Action:
        def act() -> None:
            with ExitStack() as stack:
                for number in numbers:
                    wire = engine.wire(number)
                    wire.cut()
                    stack.callback(wire.mend)
                time.sleep(25 * share)

        return act

    def hung(node: int) -> Action:
        return during(lambda: engine.gateway_hung(node), 10 * share)

    return {
        "a gateway hangs for 10 s": [hung(node) for node in range(len(engine.nodes))],
        "two of three OSDs hang for 30 s": [during(engine.majority_hung, 30 * share)],
        "each MX is cut off for 25 s": [cut_off(1), cut_off(2)],
        "both MX are cut off for 25 s": [cut_off(1, 2)],
        "the key is taken back": [during(engine.key_taken_back, 8 * share)],
        "the clocks are an hour apart": [during(engine.clocks_wrong, 8 * share)],
    }


def of_the_answers(gate: Gateway, fault: Fault, most: int) -> Sequence[Action]:
    """Let the gateway answer wrongly at the first PUT from a moment on, at the second, and so on."""

    def act(number: int) -> None:
        nth = gate.puts + number
        gate.at(number, fault)
        wait_until(lambda: gate.puts >= nth, "the PUT with the fault")

    return [lambda number=number: act(number) for number in range(1, most + 1)]  # type: ignore[misc]
