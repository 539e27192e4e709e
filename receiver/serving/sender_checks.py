"""The checks of senders in a worker: the resolver, the library for signatures, and a line in the journal."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from receiver.checks.check import Checks
from receiver.checks.resolver import VarlinkResolver
from receiver.config.values import Config
from receiver.system.journal import log

_REPORT_EVERY = 60  # seconds


@asynccontextmanager
async def sender_checks(config: Config) -> AsyncIterator[Checks]:
    """Yield the checks that the configuration asks for."""
    assert config.checks
    resolver = VarlinkResolver(config.checks.resolver)
    checks = Checks(resolver, config.hostname, config.checks.names, config.checks.deadline)
    reporting = asyncio.get_running_loop().create_task(report_regularly(checks, resolver, _REPORT_EVERY))
    try:
        yield checks
    finally:
        reporting.cancel()
        resolver.close()


def load_library() -> None:
    """Load the compiled library for signatures now, so that no message waits for that.

    A release is compiled for one Python. After an update of the host's Python, the library may not load, in
    whatever way. Mail is taken all the same.
    """
    try:
        importlib.import_module("receiver.checks.dkim.verification")
    except BaseException as error:  # A library in Rust raises a panic, which is no Exception.
        if isinstance(error, KeyboardInterrupt | SystemExit):
            raise
        log(
            "error", check="dkim", error=f"{type(error).__name__}: {error}",
            note="signatures are temperror until the next deploy, mail goes on",
        )  # fmt: skip


async def report_regularly(checks: Checks, resolver: VarlinkResolver, every: float) -> None:
    """Log the lookups, the timeouts and the seconds that mail waited, each time that there was a timeout.

    `every` is the time between two lines in seconds.
    """
    while True:
        lookups, timeouts, waited = resolver.questions, resolver.timeouts + checks.late, checks.waited
        await asyncio.sleep(every)
        timeouts = resolver.timeouts + checks.late - timeouts
        if timeouts:
            lookups, waited = resolver.questions - lookups, checks.waited - waited
            log("checks", lookups=lookups, timeouts=timeouts, seconds=waited)
