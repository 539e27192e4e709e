"""How long the checks let a sender wait for its 250: `python -m benchmarks.mail.checks.latency` (root).

The name server seems 20 ms away. Each sender is new, so that nothing about it is known, and sends one signed
message of 10 KiB. Then it sends the next one: now all answers are known. The same messages go to Letterbox
without checks. The three take turns. The message is sent at once, so that no network hides a question.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.mail.checks.distant import distant
from benchmarks.mail.checks.network import own_network
from benchmarks.mail.checks.resolver import resolver
from benchmarks.mail.checks.results import shortfall
from benchmarks.mail.checks.senders import Sender, name_server, senders
from benchmarks.mail.checks.signing import messages
from benchmarks.mail.errors import Broken
from benchmarks.mail.receivers import Receiver, ours
from tests.receiver.wire import Client

_KEYS = 4  # the senders share them, because making one takes longer than a message
COLD, WARM, WITHOUT = "cold", "warm", "without checks"


@dataclass
class Taken:
    """Seconds, of each message."""

    dot: list[float] = field(default_factory=list)  # from the final dot to the 250
    whole: list[float] = field(default_factory=list)  # from the connect to the 250


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mail.checks.latency", description=__doc__)
    parser.add_argument("--senders", type=int, default=200, help="how many new senders (200)")
    parser.add_argument(
        "--delay", type=float, default=20.0, metavar="MS", help="to the name server and back (20)"
    )
    arguments = parser.parse_args(argv)
    try:
        print(table(measure(arguments.senders, arguments.delay), arguments.delay))
    except (Broken, OSError, KeyboardInterrupt) as error:
        print(f"benchmarks.mail.checks.latency: {str(error) or 'interrupted'}", file=sys.stderr)
        return 130 if isinstance(error, KeyboardInterrupt) else 1
    return 0


def measure(number: int, milliseconds: float) -> dict[str, Taken]:
    """Let so many senders send. Raises Broken if a message does not pass all checks."""
    everybody = senders(number, _KEYS)
    found = {kind: Taken() for kind in (COLD, WARM, WITHOUT)}
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        stack.enter_context(own_network())
        server = stack.enter_context(distant(stack.enter_context(name_server(everybody)), milliseconds))
        socket = stack.enter_context(resolver(server, folder))
        checked = stack.enter_context(ours(folder / "mail", folder / "checked", resolver=socket))
        plain = stack.enter_context(ours(folder / "plain mail", folder / "plain"))
        thrice = [each for each in everybody for _ in found]
        body, heads = messages(thrice, len(thrice), 10_240, signed=True)
        turns = itertools.cycle(((COLD, checked), (WARM, checked), (WITHOUT, plain)))
        for (sender, head), (kind, receiver) in zip(heads, turns, strict=False):
            _send(receiver, sender, head + body, found[kind])
        _inspect(checked, 2 * number)
    return found


def _send(receiver: Receiver, sender: Sender, content: bytes, taken: Taken) -> None:
    began = time.perf_counter()
    with Client(receiver.port, sender.address) as client:
        client.expect(220)
        client.ask("EHLO mail.example", 250)
        client.begin(sender=f"<{sender.mailbox}>")
        client.send(content)
        dot = time.perf_counter()
        client.send(b".\r\n")
        client.expect(250)
        ended = time.perf_counter()
    taken.dot.append(ended - dot)
    taken.whole.append(ended - began)


def _inspect(receiver: Receiver, number: int) -> None:
    found = list(receiver.new.iterdir())
    for path in found:
        if missing := shortfall(path.read_bytes().partition(b"\n\n")[0], receiver.checks, signed=True):
            raise Broken(f"{missing} in {path.name}")
    if len(found) != number:
        raise Broken(f"{len(found)} of {number} messages")


def table(found: dict[str, Taken], milliseconds: float) -> str:
    """The medians and their spread."""
    lines = [
        f"a signed message of 10 KiB; the name server is {milliseconds:.0f} ms away; median (10th to 90th):"
    ]
    for kind, taken in found.items():
        lines.append(
            f"  {kind:<15} the 250 after the dot {_show(taken.dot)}   after the connect {_show(taken.whole)}"
        )
    for kind in (COLD, WARM):
        more = statistics.median(found[kind].dot) - statistics.median(found[WITHOUT].dot)
        lines.append(f"  {kind} takes {more * 1e3:.2f} ms more for the 250 than without checks")
    return "\n".join(lines)


def _show(taken: Sequence[float]) -> str:
    tenths = statistics.quantiles(taken, n=10)
    low, high = tenths[0] * 1e3, tenths[-1] * 1e3
    return f"{statistics.median(taken) * 1e3:6.2f} ms ({low:.2f} to {high:.2f})"


if __name__ == "__main__":
    sys.exit(main())
