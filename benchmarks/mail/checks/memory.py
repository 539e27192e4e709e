"""The memory that the checks take: `python -m benchmarks.mail.checks.memory` (root).

Letterbox with and without checks takes the same signed mail: 5,000 messages of 10 KiB, then one of 24 MiB
from each of 200 senders at once. The disk needs room for 5 GB. All numbers are of all processes together. A
page that they share counts once. The release is measured as it is deployed: if other programs mapped the same
libraries, as those of this checkout, their pages would count only in part.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.mail.checks.running import checked
from benchmarks.mail.deployed import deployed, release
from benchmarks.mail.errors import Broken
from benchmarks.mail.load import Load, forget_mail, proportional_memory, run
from benchmarks.mail.receivers import Receiver

_MANY = Load("20, signed", 20, 5000, 10_240, checked=True, signed=True)
_PAUSE = 0.05  # seconds between two looks
_LARGE = Load("200 x 24 MiB, signed", 200, 200, 24 << 20, checked=True, signed=True)


@dataclasses.dataclass(frozen=True, slots=True)
class Used:
    """Octets."""

    idle: int
    after: int  # after many messages
    peak: int  # while the large messages come


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mail.checks.memory", description=__doc__)
    parser.add_argument(
        "--folder", type=Path, default=Path("/var/tmp"), help="the folder for the mail (/var/tmp)"
    )
    parser.add_argument("--messages", type=int, default=_MANY.messages, help="how many small messages (5000)")
    parser.add_argument("--senders", type=int, default=_LARGE.sessions, help="how many large messages (200)")
    arguments = parser.parse_args(argv)
    many = dataclasses.replace(_MANY, messages=arguments.messages)
    large = dataclasses.replace(_LARGE, sessions=arguments.senders, messages=arguments.senders)
    try:
        print(table(measure(arguments.folder, many, large), many, large))
    except (Broken, OSError, KeyboardInterrupt) as error:
        print(f"benchmarks.mail.checks.memory: {str(error) or 'interrupted'}", file=sys.stderr)
        return 130 if isinstance(error, KeyboardInterrupt) else 1
    return 0


def measure(folder: Path, many: Load, large: Load) -> dict[str, Used]:
    """What Letterbox uses with and without checks. Raises Broken if a message is lost or does not pass."""
    found, built = {}, release()
    with contextlib.ExitStack() as stack:
        own = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=folder)))
        loads, _ = stack.enter_context(checked((many, large), own))
        for name, checks in (("off", False), ("on", True)):
            with deployed(built, own / name, checks=checks) as receiver:
                found[name] = _used(receiver, *loads)
                forget_mail(receiver)
    return found


def _used(receiver: Receiver, many: Load, large: Load) -> Used:
    idle = proportional_memory(receiver.pid)
    after = run(receiver, many).memory
    with _watched(receiver) as seen:
        run(receiver, large, warm_up=False)
    return Used(idle, after, max(seen))


@contextlib.contextmanager
def _watched(receiver: Receiver) -> Iterator[list[int]]:
    """Look at the memory again and again in this context. Yields what was seen."""
    seen, ended = list[int](), threading.Event()

    def watch() -> None:
        while not ended.wait(_PAUSE):
            seen.append(proportional_memory(receiver.pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield seen
    finally:
        ended.set()
        watcher.join()


def table(found: dict[str, Used], many: Load, large: Load) -> str:
    """MiB with the checks off, on, and what they add."""
    off, on = found["off"], found["on"]
    rows = [
        ("idle", off.idle, on.idle),
        (f"after {many.messages} signed messages", off.after, on.after),
        (f"peak, {large.messages} senders of 24 MiB at once", off.peak, on.peak),
    ]
    lines = [f"{'MiB in all processes':<40}{'off':>8}{'on':>8}{'more':>8}"]
    lines += [
        f"{what:<40}" + "".join(f"{octets / 2**20:8.1f}" for octets in (without, with_, with_ - without))
        for what, without, with_ in rows
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
