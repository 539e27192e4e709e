"""What a run does after its plan was agreed, thing by thing, in the order that no sender can be hurt by.

A domain without an MTA-STS policy is changed in one transaction. `dns.sync`, a deploy and the simulator of
caches in the tests all call `carry_out`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from dns.cloudflare.zones import Zones
from dns.plan import Plan
from dns.sync.change import apply
from dns.sync.prepared import Prepared
from dns.sync.verify import changed_but

Serve = Callable[[Prepared], float | None]
"""Waits until the zone's nameservers answer what was made (`Prepared.plan`).

Returns how many seconds that took; None if nobody was asked. Raises NotServed.
"""


def ignore(words: str) -> None:
    """Do nothing with a line."""


def carry_out(
    prepared: Prepared,
    *,
    zones: Zones | None = None,
    serve: Serve,
    pause: Callable[[float], None],
    tell: Callable[[str], None],
    done: Callable[[str], None] = ignore,
) -> Plan:
    """Make the changes of the plan. Returns the plan as it was made.

    `serve` waits for the nameservers, `pause` waits for some seconds, `tell` gets a line for the user, and
    `done` gets a few words after each thing that was changed. A run that is cut off between any two of these
    things is finished by the next one. Raises as `dns.sync.change.apply`.
    """
    made = apply(prepared, zones=zones)
    done(f"{prepared.domain.name} is changed")
    _wait(replace(prepared, plan=made), serve, tell)
    return made


def _wait(prepared: Prepared, serve: Serve, tell: Callable[[str], None]) -> None:
    name = prepared.domain.name
    with changed_but(name):
        seconds = serve(prepared)
    answered = "" if seconds is None else f", and answered by all its nameservers after {seconds:.1f} s"
    tell(f"{name}: changed{answered}")
