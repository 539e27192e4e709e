"""The other verifiers: npm's mailauth in one process of Node, and dkimpy."""

from __future__ import annotations

import base64
import contextlib
import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import dkim

from tests.conformance.npm_peers import NODE, locked

HERE = Path(__file__).parent
Zone = Mapping[str, Sequence[bytes]]


class Mailauth:
    """mailauth, asked in order."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def ask(self, message: bytes) -> None:
        """Send a message. It is worked on while the caller does something else."""
        assert self._process.stdin
        self._process.stdin.write(base64.b64encode(message).decode() + "\n")
        self._process.stdin.flush()

    def results(self) -> list[tuple[str, str]]:
        """The result and the comment for each DKIM-Signature field of the next message that was asked for."""
        assert self._process.stdout
        return [(result, comment) for result, comment in json.loads(self._process.stdout.readline())]


@contextlib.contextmanager
def mailauth(zone: Zone) -> Iterator[Mailauth]:
    """Run mailauth. It is installed once, as package-lock.json pins it. Raises OSError."""
    with subprocess.Popen(
        [str(NODE), str(HERE / "oracle.js")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={"NODE_PATH": str(locked(HERE, "mailauth") / "node_modules")},
    ) as process:
        assert process.stdin
        known = {
            name: [base64.b64encode(each).decode() for each in records] for name, records in zone.items()
        }
        process.stdin.write(json.dumps(known) + "\n")
        yield Mailauth(process)
        process.stdin.close()


def dkimpy_results(message: bytes, zone: Zone, count: int) -> list[tuple[str, str]]:
    """dkimpy's result for each of the first signatures."""

    def answer(name: bytes, timeout: int = 5) -> bytes | None:
        records = zone.get(name.decode().rstrip(".").lower())
        return records[0] if records else None

    found = []
    for number in range(count):
        try:
            passes = dkim.DKIM(message).verify(idx=number, dnsfunc=answer)
            found.append(("pass" if passes else "fail", ""))
        except Exception as error:
            found.append(("error", f"{type(error).__name__}: {error}"))
    return found
