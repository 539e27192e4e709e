"""`python -m tests.services.renewal.killed KIND N FILE …`: a run that is killed at its Nth step, by SIGKILL.

A step is something that another program or a later run can see: a request, a question to a nameserver, a file
that is opened for writing, renamed or removed. KIND is `any`, or `file` to count only what is done to files:
how many requests there are is a matter of chance, because nonces are refused at random. With N = 0 nothing is
killed, and FILE gets the steps, a line each. The rest are the arguments of the run. Python's audit hooks tell
the steps (PEP 578), so the program is the one that a host runs.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from services.renewal.command import main

steps: list[str] = []


def step(event: str, arguments: tuple[object, ...]) -> str:
    """What the event is, in words. Empty if it is no step."""
    if event == "http.client.send":
        return "request"
    if event == "socket.sendto":
        return "question"
    if event in ("os.rename", "os.remove", "os.mkdir"):
        return f"{event} {arguments[0]}"
    if event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR):
        return f"open {arguments[0]}"
    return ""


def run(kind: str, number: int, file: Path, arguments: list[str]) -> int:
    """Run, and be killed just before the step of this kind with this number, counted from 1."""

    def hook(event: str, values: tuple[object, ...]) -> None:
        named = step(event, values)
        if named and (kind == "any" or named not in ("request", "question")):
            steps.append(named)
            if len(steps) == number:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.dont_write_bytecode = True  # What is compiled once is no step of a later run.
    sys.addaudithook(hook)
    code = main(arguments)
    if not number:
        file.write_text("\n".join(tuple(steps)))
    return code


if __name__ == "__main__":
    sys.exit(run(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]), sys.argv[4:]))
