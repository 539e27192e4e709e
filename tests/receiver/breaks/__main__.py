"""Break connections at every moment, in every way, and check that all they used was freed.

Each dialogue is played once to find its moments, then once for each moment and each way to break off.

    python -m tests.receiver.breaks --loop uvloop
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from dataclasses import asdict
from pathlib import Path

from receiver.config.load import any_mailbox
from receiver.config.values import Config, TLSFiles
from receiver.loop.event_loop import new_loop
from receiver.storage.writer_process import WriterProcess
from receiver.system.limits import raise_file_limit
from tests.receiver.breaks.run import LIMITS, run
from tests.receiver.certificates import make_certificate


def by_loop(name: str) -> Callable[[], asyncio.AbstractEventLoop]:
    return new_loop if name == "uvloop" else asyncio.new_event_loop


@contextlib.contextmanager
def configured() -> Generator[Config, None, None]:
    with tempfile.TemporaryDirectory() as folder:
        certificate, key = make_certificate(Path(folder), "mx.example.test")
        config = any_mailbox("mx.example.test", Path(folder, "mail"), ("example.test",))
        yield Config(config.hostname, config.mail, config.domains, TLSFiles(certificate, key), LIMITS)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--loop", choices=("uvloop", "asyncio"), default="uvloop")
    parser.add_argument("--every", action="store_true", help="every moment, not the first of each name only")
    parser.add_argument("--checks", action="store_true", help="check senders, with a resolver that is silent")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    raise_file_limit()
    with configured() as config, socket.socket(socket.AF_UNIX) as silent:
        resolver = config.mail.with_name("resolver")
        silent.bind(str(resolver))
        silent.listen(4096)
        process = WriterProcess(config.mail, [])
        began = time.monotonic()
        with (
            asyncio.Runner(loop_factory=by_loop(arguments.loop)) as runner,
            Path(os.devnull).open("w") as nowhere,
            contextlib.redirect_stderr(nowhere),
        ):
            report = runner.run(
                run(
                    config, process, every=arguments.every, seed=arguments.seed,
                    resolver=resolver if arguments.checks else None,
                )
            )  # fmt: skip
        process.end()
    if arguments.json:
        print(json.dumps({**asdict(report), "where": sorted(report.where)}))
        return 0
    print(f"{arguments.loop}: {report.cases} breaks at {len(report.where)} kinds of moments, "
          f"{time.monotonic() - began:.0f} s")  # fmt: skip
    for name in sorted(report.where):
        print(f"  {name}")
    for what, differs in report.left.items():
        print(f"LEFT {what}: {differs}")
    for error in report.errors[:20]:
        print(f"ERROR {error}")
    return 1 if report.left or report.errors else 0


if __name__ == "__main__":
    sys.exit(main())
