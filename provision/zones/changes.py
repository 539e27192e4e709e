"""Changing the zones of a run, and telling the user how far it is.

`provision.zones.steps` decides what is changed, and when.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from pyinfra import logger
from pyinfra.api.command import FunctionCommand
from pyinfra.api.host import Host
from pyinfra.api.state import State

from dns import sync
from dns.errors import Unfinished
from dns.sync import Prepared, SyncError
from dns.sync.report import farewell
from dns.terminal.lines import in_columns
from dns.world.nameservers import Server
from dns.world.progress import Progress
from provision.run.inventory import make
from provision.run.step import Command

TELL_EVERY = 15.0
"""Seconds between two lines that tell how long is left to wait."""


def apply_command(prepared: Prepared) -> FunctionCommand:
    return FunctionCommand(_apply, (prepared,), {})


def settle_commands(plans: Iterable[Prepared]) -> Iterator[Command]:
    """What is left when all zones are changed: addresses that the MX of another domain led to until now.

    Only then is it known from when on nobody new is sent there, so only then can it be said how long they
    stay.
    """
    for prepared in plans:
        if any(one.until is None for one in prepared.plan.staying):
            yield FunctionCommand(_settle, (prepared,), {})


def _settle(state: State, host: Host, prepared: Prepared) -> bool:
    try:
        again = sync.prepare(
            prepared.inventory,
            prepared.domain.name,
            prepared.addresses,
            forgetting=prepared.forgetting,
            keys=prepared.keys,
            missing=prepared.missing,
        )
    except SyncError as error:
        host.log_styled(str(error), fg="red", log_func=logger.error)
        return False
    return _apply(state, host, again) if again.changes else True


def offer_proof(state: State, host: Host) -> bool:
    """Tell the user that the DNS leads to the hosts now, so that a first mail can prove the whole way."""
    logger.info(f"{host.print_prefix}prove it with a first mail:")
    logger.info(f"{host.print_prefix}  {make('proof')}")
    return True


def _apply(state: State, host: Host, prepared: Prepared) -> bool:
    """Make the changes, and wait until they are answered. False, with the reason shown, if that fails."""

    def tell(line: str) -> None:
        for part in in_columns(line, sys.stderr, before=len(host.print_prefix)):
            logger.info(f"{host.print_prefix}{part}")

    for line in str(replace(prepared, plan=prepared.plan.dated(prepared.clock()))).splitlines():
        logger.info(f"{host.print_prefix}{line}")
    try:
        servers = sync.nameservers_to_ask(prepared)

        def serve(stage: Prepared) -> float:
            return sync.wait_until_served(stage, servers=servers, on_progress=AnsweringLines(host))

        waiting = Waiting(tell)
        done = waiting.tell if prepared.policy.touches else logger.debug
        made = sync.carry_out(prepared, serve=serve, pause=waiting.pause, tell=waiting.tell, done=done)
    except Unfinished as left:
        # The hosts are ready, and mail comes. The next run does the rest.
        host.log_styled(str(left), fg="yellow", log_func=logger.warning)
        return True
    except SyncError as error:
        host.log_styled(str(error), fg="red", log_func=logger.error)
        return False
    for line in filter(None, (made.registrar, *farewell(prepared.domain.name, made))):
        logger.warning(f"{host.print_prefix}{line}")
    return True


class Waiting:
    """Waits, and tells from time to time how long it takes.

    A count-down in place would be overwritten by pyinfra's own line of progress.
    """

    def __init__(self, tell: Callable[[str], None], sleep: Callable[[float], None] = time.sleep) -> None:
        self._tell, self._sleep = tell, sleep
        self._waited = 0.0

    def tell(self, line: str) -> None:
        """Tell the line. What follows is another wait."""
        self._waited = 0.0
        self._tell(line)

    def pause(self, seconds: float) -> None:
        """Wait so long. Short waits that follow each other, as for an answer, are told as one."""
        left = seconds
        while left > 2 * TELL_EVERY:
            self._sleep(TELL_EVERY)
            left -= TELL_EVERY
            self._tell(f"  {left:.0f} s left")
        self._sleep(left)
        before, self._waited = self._waited, self._waited + seconds
        if seconds < TELL_EVERY and self._waited // TELL_EVERY > before // TELL_EVERY:
            self._tell(f"  {self._waited:.0f} s so far")


class AnsweringLines:
    """A line for each nameserver, as soon as it answers what was changed."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._done: set[Server] = set()

    def __call__(self, known: Mapping[Server, Progress]) -> None:
        for server, progress in known.items():
            if progress.done and server not in self._done:
                self._done.add(server)
                logger.info(f"{self._host.print_prefix}{server.name} ({server.address}) answers")
