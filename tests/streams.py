"""The tests in streams: runs of pytest side by side, of which each has its own tests.

Tests wait more than they compute, most of all those of a throwaway machine. So more streams go on at once
than there are cores. Tests of one lab stay in one stream, in their order.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

NO_LAB = "LETTERBOX_NO_LAB"
"""Set for the runs without a lab. A test in them that asks for one fails, because it lacks the mark."""
NO_SHARED_LAB = "LETTERBOX_NO_SHARED_LAB"
"""Set for the runs of tests with labs of their own. A test in them that asks for the checkout's lab fails."""
AT_ONCE = (os.cpu_count() or 1) + 1
_NOTHING_SELECTED = 5  # pytest's exit code if its arguments select no test
_COLOR = re.compile(r"\x1b\[[0-9;]*m")
_FAILED = re.compile(r"(?:FAILED|ERROR) \S+\.py.*")


@dataclass(frozen=True, slots=True)
class Stream:
    """Some of the tests: what it is called, the marks that select them (`pytest -m`), and more variables."""

    name: str
    marks: str
    variables: Mapping[str, str] = field(default_factory=dict)


STREAMS = (
    Stream("labs of their own", "own_lab and not room(name='tls')", {NO_SHARED_LAB: "1"}),
    Stream("the shared lab", "lab and not own_lab"),
    Stream("no lab, tests/receiver", "not lab and room(name='receiver')", {NO_LAB: "1"}),
    Stream("no lab, the rest", "not lab and not room(name='receiver')", {NO_LAB: "1"}),
    Stream("labs of tests/tls", "own_lab and room(name='tls')", {NO_SHARED_LAB: "1"}),
)
"""Each test is in one of them. Those that wait begin beside one that computes."""


@dataclass(slots=True)
class _Run:
    """A run of pytest that goes on, or that has ended."""

    stream: Stream
    process: subprocess.Popen[bytes]
    output: IO[str]
    began: float
    ended: float = 0.0

    @property
    def code(self) -> int:
        return self.process.returncode

    @property
    def failed(self) -> bool:
        return self.code not in (0, _NOTHING_SELECTED)


def run(arguments: Sequence[str], streams: Sequence[Stream] = STREAMS, *, folder: Path | None = None) -> int:
    """Run the streams, `AT_ONCE` at the same time, and show each whole when it has ended.

    Returns 0 if no test failed, else the exit code of the first stream in which one did. If no stream has a
    test that the arguments select, it is pytest's code for that. `folder` is where pytest runs, if not here.
    """
    color = ["--color=yes"] if sys.stdout.isatty() else []
    command = [sys.executable, "-m", "pytest", *color, *arguments]
    waiting, going, over = list(streams), list[_Run](), list[_Run]()
    print(f"{len(streams)} runs of pytest. The output of each follows when it has ended.", flush=True)
    while waiting or going:
        try:
            while waiting and len(going) < AT_ONCE:
                going.append(_begin(command, waiting.pop(0), folder))
            for each in [each for each in going if each.process.poll() is not None]:
                each.ended = time.monotonic()
                going.remove(each)
                over.append(each)
                _show(each)
            time.sleep(0.2)
        except KeyboardInterrupt:  # it reaches the runs, too, which clean up and end
            waiting.clear()
    print(_headed("Summary"), *(_summary(each) for each in over), sep="\n", flush=True)
    codes = {each.stream.name: each.code for each in over}
    failed = [codes[each.name] for each in streams if codes.get(each.name, 0) not in (0, _NOTHING_SELECTED)]
    return failed[0] if failed else min(codes.values())


def _begin(command: Sequence[str], stream: Stream, folder: Path | None) -> _Run:
    output = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115
    process = subprocess.Popen(
        [*command, "-m", stream.marks],
        cwd=folder,
        env={**os.environ, **stream.variables},
        stdout=output,
        stderr=subprocess.STDOUT,
    )
    print(f"{stream.name}: began", flush=True)
    return _Run(stream, process, output, time.monotonic())


def _show(each: _Run) -> None:
    each.output.seek(0)
    print(_headed(each.stream.name), each.output.read().rstrip("\n"), sep="\n", flush=True)


def _summary(each: _Run) -> str:
    """How a stream ended, in a line, and a line for each test that failed in it."""
    each.output.seek(0)
    lines = [_COLOR.sub("", line) for line in each.output.read().splitlines()]
    begin = max((n for n, line in enumerate(lines) if "short test summary info" in line), default=len(lines))
    names = [line for line in lines[begin:] if _FAILED.match(line)]
    last = lines[-1].strip("= ") if lines and lines[-1].startswith("=") else "no end of pytest's"
    code = f", exit code {each.code}" if each.failed else ""
    return "\n".join([f"{each.stream.name}: {last}{code}", *(f"  {line[:300]}" for line in names)])


def _headed(text: str) -> str:
    return f"\n######## {text} ".ljust(78, "#")
