"""Driving a fuzz target: with random input, or with atheris, which the coverage of receiver/ guides."""

from __future__ import annotations

import argparse
import contextlib
import random
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

try:
    import atheris
except ImportError:
    atheris = None


def instrumented() -> AbstractContextManager[object]:
    """Import receiver/ in this context, so that atheris sees its coverage."""
    return atheris.instrument_imports(include=["receiver"]) if atheris else contextlib.nullcontext()


@dataclass(frozen=True)
class Target:
    """What is fuzzed."""

    inputs: str
    """What an input is called, in the plural."""
    check: Callable[[bytes], None]
    """Makes an input of any octets, and raises if a promise does not hold."""
    words: Sequence[bytes]
    """Pieces that mean something to the code."""
    most_words: int
    choices: int
    """How many octets at the beginning choose what kind of input it is."""
    longest: int
    """The most octets of one input, for atheris."""

    def by_chance(self, runs: int, seconds: float, seed: int) -> int:
        """Check random inputs. Returns their number."""
        chance = random.Random(seed)
        until = time.monotonic() + seconds
        for run in range(runs):
            if time.monotonic() > until:
                return run
            words = [
                chance.choice(self.words) if chance.random() < 0.9 else chance.randbytes(chance.randint(1, 9))
                for _ in range(chance.randint(0, self.most_words))
            ]
            self.check(bytes(chance.randrange(256) for _ in range(self.choices)) + b"".join(words))
        return runs

    def main(self, description: str | None) -> None:
        """The command line. Ends with a traceback if a promise does not hold."""
        parser = argparse.ArgumentParser(description=description)
        parser.add_argument("--runs", type=int, default=20_000)
        parser.add_argument("--seconds", type=float, default=60)
        parser.add_argument("--seed", type=int, default=1)
        given, rest = parser.parse_known_args()
        if atheris is None:
            print("atheris is not installed: random input, without coverage", file=sys.stderr)
            done = self.by_chance(given.runs, given.seconds, given.seed)
            print(f"{done} random {self.inputs}: every promise held")
            return
        with tempfile.NamedTemporaryFile("w", suffix=".dict") as dictionary:
            escaped = ("".join(f"\\x{octet:02x}" for octet in word) for word in self.words)
            dictionary.write("".join(f'"{word}"\n' for word in escaped))
            dictionary.flush()
            options = [f"-runs={given.runs}", f"-max_total_time={int(given.seconds)}", f"-seed={given.seed}"]
            options += [f"-max_len={self.longest}", f"-dict={dictionary.name}", "-print_final_stats=1"]
            atheris.Setup([sys.argv[0], *options, *rest], self.check)
            atheris.Fuzz()
