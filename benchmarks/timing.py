"""Timing whole processes. They take turns, so that a change of the machine's speed affects all alike."""

from __future__ import annotations

import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Measured:
    """The durations of several runs in seconds."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    def __str__(self) -> str:
        return f"{self.median:6.2f} s   ({min(self.seconds):.2f} to {max(self.seconds):.2f})"


def run(command: Sequence[object], environment: Mapping[str, str]) -> float:
    """Run a command, and return its wall-clock seconds. If it fails, print its output and exit."""
    began = time.perf_counter()
    done = subprocess.run(
        [str(word) for word in command],
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.perf_counter() - began
    if done.returncode:
        raise SystemExit(f"{command[0]} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return seconds


def in_turn(runs: int, **subjects: Callable[[], float]) -> dict[str, Measured]:
    """Run each subject once, then each once more, and so on: A B A B …"""
    seconds: dict[str, list[float]] = {name: [] for name in subjects}
    for _ in range(runs):
        for name, subject in subjects.items():
            seconds[name].append(subject())
    return {name: Measured(tuple(taken)) for name, taken in seconds.items()}
