"""With the bucket's promise the loss of an MX loses nothing: short runs of the fleet, with a quick engine."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.fleet.mutants import CAUGHT_BY
from tests.receiver.processes import ROOT

_SECONDS = 900  # on a busy machine; half a minute is usual
# Keys that differ show only if a kill comes between a PUT and its answer. In two rounds some kills miss that.
_ROUNDS = {"early": "2", "unique": "10"}


def fleet(*options: str) -> str:
    """What a run with the quick engine prints. Its exit code must be 0."""
    command = [sys.executable, "-m", "tests.fleet", "--engine", "weed", "--seed", "19", *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=_SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_what_an_mx_acknowledged_is_in_every_mailbox_once_whatever_is_killed_or_answered() -> None:
    said = fleet("--rounds", "8", "--puts", "2")
    rounds, acknowledged, copies, lost, twice, broken, unknown = map(
        int,
        re.search(r"^all +(\d+) +(\d+) +(\d+) +(\d+) +(\d+) +(\d+) +(\d+)", said, re.MULTILINE).groups(),  # type: ignore[union-attr]
    )
    assert (lost, twice, broken) == (0, 0, 0), said
    assert rounds >= 20
    assert copies > acknowledged > 100, said
    assert unknown > 0, f"no kill came at a moment that left an outcome unknown:\n{said}"


@pytest.mark.parametrize("mutant", list(CAUGHT_BY))
def test_a_bucket_process_that_breaks_the_promise_is_caught(mutant: str) -> None:
    said = fleet("--rounds", _ROUNDS[mutant], "--mutant", mutant)
    assert re.search(rf"{mutant}.: [1-9]\d* copies {CAUGHT_BY[mutant]}: caught", said), said
