"""One run: Postfix's `smtp-source`, or our own client, puts a load on a receiver, and the mail is counted.

After the run every message must be whole in the Maildir. A message that arrives there more than two seconds
after the last 250 is late, and does not count for the rate. The seconds are those of the client. The CPU
time is that of all processes of the receiver, including ended ones.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.mail import client
from benchmarks.mail.checks.results import shortfall
from benchmarks.mail.checks.signing import Prepared
from benchmarks.mail.errors import Broken
from benchmarks.mail.receivers import Receiver
from tests.conformance.peers import unpacked

SETTLE = 2.0  # seconds after the last 250 within which all mail must be there
_LATE = 60.0  # seconds to wait for late mail, so that it does not disturb the next run
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclasses.dataclass(frozen=True, slots=True)
class Load:
    """A load. With `kept` the sessions stay open, else each connection sends one message.

    With `tls` each connection does STARTTLS with TLS 1.3 and a full handshake. Then it is put by our own
    client, as with `own_client`. With `checked` the mail is from senders whose records are in DNS, and is
    signed or not. It is prepared before the load.
    """

    title: str
    sessions: int
    messages: int
    octets: int
    kept: bool = True
    tls: bool = False
    own_client: bool = False
    checked: bool = False
    signed: bool = False
    prepared: Prepared | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Result:
    """The result of one run."""

    seconds: float
    cpu: float  # seconds of all the receiver's processes
    memory: int  # octets at the end of the load: proportional set size of all its processes
    late: int  # messages not in the Maildir after SETTLE

    def rate(self, load: Load) -> float:
        """Messages per second, counting those that were in the Maildir in time."""
        return (load.messages - self.late) / self.seconds

    def accepted(self, load: Load) -> float:
        """Messages per second, counting those that were answered 250."""
        return load.messages / self.seconds


def command(port: int, load: Load) -> list[str]:
    """The command line of the load. Raises Broken if the client cannot be made."""
    if load.tls or load.own_client or load.prepared:
        return client.command(
            port, sessions=load.sessions, messages=load.messages, octets=load.octets, kept=load.kept,
            tls=load.tls, prepared=load.prepared,
        )  # fmt: skip
    words = ["chroot", str(unpacked("postfix", "postfix")), "/usr/sbin/smtp-source", *(["-d"] * load.kept)]
    words += ["-s", str(load.sessions), "-m", str(load.messages), "-l", str(load.octets)]
    return [*words, "-f", "stranger@sender.test", "-t", "alice@example.test", f"127.0.0.1:{port}"]


def run(receiver: Receiver, load: Load, *, warm_up: bool = True) -> Result:
    """Put the load on the receiver, and check all the mail. Raises Broken.

    A load that is checked has a warm-up before it, if wanted.
    """
    forget_mail(receiver)
    if load.prepared and warm_up:
        _warm_up(receiver, load)
    before = cpu_seconds(receiver.pid)
    began = time.perf_counter()
    _put(receiver, load)
    seconds = time.perf_counter() - began
    memory = proportional_memory(receiver.pid)
    late = load.messages - _count(receiver.new, load.messages, SETTLE)
    if late:
        _count(receiver.new, load.messages, _LATE)
    cpu = cpu_seconds(receiver.pid) - before
    inspect(receiver, load)
    return Result(seconds, cpu, memory, late)


def _put(receiver: Receiver, load: Load) -> None:
    done = subprocess.run(command(receiver.port, load), capture_output=True, text=True, timeout=900)
    if done.returncode:
        raise Broken(
            f"{receiver.name}, {load.title}: the client says {done.stderr.strip()[-500:] or done.returncode}"
        )


def _warm_up(receiver: Receiver, load: Load) -> None:
    """Send the first messages of the load, and forget them.

    Then the processes that Postfix starts for its checks run, and every receiver knows what DNS answers.
    """
    few = dataclasses.replace(load, messages=min(load.messages, 2 * load.sessions))
    _put(receiver, few)
    _count(receiver.new, few.messages, _LATE)
    forget_mail(receiver)


def forget_mail(receiver: Receiver) -> None:
    """Empty the Maildir, and sync the disk."""
    for path in receiver.new.iterdir() if receiver.new.is_dir() else ():
        path.unlink()
    subprocess.run(
        ["sync", "-f", str(receiver.new.parents[1] if receiver.new.is_dir() else "/tmp")], check=True
    )


def inspect(receiver: Receiver, load: Load) -> None:
    """Check that each message is stored once and with the content that was sent. Raises Broken.

    If the receiver checks senders, each message of a checked load must have passed all checks.
    """
    names: set[bytes] = set()
    bodies: dict[bytes, int] = {}
    for path in receiver.new.iterdir() if receiver.new.is_dir() else ():
        head, _, body = path.read_bytes().replace(b"\r\n", b"\n").partition(b"\n\n")
        names |= set(re.findall(rb"(?mi)^message-id: *(\S+)", head))
        bodies[hashlib.sha256(body).digest()] = len(body)
        missing = shortfall(head, receiver.checks, signed=load.signed) if _is_checked(receiver, load) else ""
        if missing:
            raise Broken(f"{receiver.name}, {load.title}: {missing} in {path.name}")
    if len(names) != load.messages or len(bodies) != 1 or min(bodies.values(), default=0) < load.octets * 0.9:
        raise Broken(
            f"{receiver.name}, {load.title}: {len(names)} of {load.messages} messages, {len(bodies)} contents"
        )


def _is_checked(receiver: Receiver, load: Load) -> bool:
    return load.checked and bool(receiver.checks)


def _count(new: Path, wanted: int, patience: float) -> int:
    until = time.monotonic() + patience
    while (found := _messages(new)) < wanted and time.monotonic() < until:
        time.sleep(0.05)
    return found


def _messages(new: Path) -> int:
    return sum(1 for _ in new.iterdir()) if new.is_dir() else 0


def tree(pid: int) -> Iterator[int]:
    """A process and all its descendants."""
    yield pid
    with contextlib.suppress(OSError):
        for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            yield from tree(int(each))


def cpu_seconds(pid: int) -> float:
    """The CPU time of a process and all its descendants, including ended ones."""
    total = 0
    for each in tree(pid):
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
            total += sum(int(field) for field in fields[11:15])
    return total / _TICKS


def proportional_memory(pid: int) -> int:
    """The memory of a process and its descendants in octets. A shared page counts once."""
    total = 0
    for each in tree(pid):
        with contextlib.suppress(OSError):
            match = re.search(r"(?m)^Pss:\s+(\d+)", Path(f"/proc/{each}/smaps_rollup").read_text())
            total += int(match[1]) * 1024 if match else 0
    return total


def peak_memory(pid: int, *, reset: bool = False) -> int:
    """The sum of the peaks of resident memory since the last reset, in octets, of all processes."""
    total = 0
    for each in tree(pid):
        if reset:
            Path(f"/proc/{each}/clear_refs").write_text("5")
        match = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{each}/status").read_text())
        total += int(match[1]) * 1024 if match else 0
    return total
