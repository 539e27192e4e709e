"""Make a domain's records match the inventory: ``python -m dns.sync DOMAIN``.

Exit codes: 0 in sync, or made so; 1 failed, with the cause and the fix in words; 2 differs
(``--dry-run``, ``--check``). With ``--json`` there is one object on stdout, whatever happens. A deploy
calls ``prepare``, ``nameservers_to_ask``, ``apply`` and ``wait_until_served``.
"""

import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from dns.cloudflare.zones import Zone, Zones
from dns.errors import SyncError
from dns.inventory.checked import InventoryError, load
from dns.inventory.host_addresses import Addresses
from dns.names import a_label
from dns.plan.matching import Plan
from dns.sync import undo, verify
from dns.sync.arguments import Arguments, parsed
from dns.sync.change import Prepared, apply, prepare
from dns.sync.report import as_json, error_as_json, lines, summary
from dns.sync.verify import changed_but, nameservers_to_ask, wait_until_served
from dns.terminal.countdown import count_down

__all__ = [
    "Addresses",
    "Prepared",
    "SyncError",
    "Zones",
    "apply",
    "changed_but",
    "main",
    "nameservers_to_ask",
    "prepare",
    "wait_until_served",
]


def main(argv: list[str] | None = None) -> int:
    """The command line; the exit code."""
    run = _Run(parsed(sys.argv[1:] if argv is None else argv))
    try:
        return run.undo() if run.given.undo else run.sync()
    except (SyncError, InventoryError) as error:
        return run.failed(str(error), getattr(error, "applied", False))
    except KeyboardInterrupt:
        state = {
            False: "nothing was changed",
            True: "it was changed",
            None: "whether it was changed is unknown",
        }
        return run.failed(
            f"interrupted, {state[run.applied]}: run again, that shows what is there", run.applied
        )


@dataclass(slots=True)
class _Run:
    """One run: what was asked for, and how far it is, for what is said where it ends early."""

    given: Arguments
    zone: Zone | None = None
    plan: Plan | None = None
    applied: bool | None = False
    """Whether the zone was changed; None while that is not known."""

    def sync(self) -> int:
        """Read, plan, and change if it is asked for; the exit code."""
        given = self.given
        inventory = load(Path(given.inventory))
        zones = self._zones()
        prepared = prepare(
            inventory,
            given.domain,
            replacing=given.replacing,
            forgetting=given.forgetting,
            zones=zones,
            resolver=given.resolver,
        )
        self.zone, self.plan = prepared.zone, prepared.plan
        for remark in prepared.remarks:
            print(remark, file=sys.stderr)
        self._print(prepared.summary, lines(prepared.plan, colour=_coloured(), obstacles=False))
        if prepared.plan.obstacles:
            return self.failed(prepared.blocked, False)
        if given.dry_run or given.check or prepared.in_sync:
            self._end()
            return 0 if prepared.in_sync else 2
        self._change(prepared, zones)
        return 0

    def _change(self, prepared: Prepared, zones: Zones) -> None:
        given, name = self.given, prepared.domain.name
        if given.wait:
            try:
                servers = nameservers_to_ask(prepared, given.resolver)
            except SyncError as error:
                hint = "or change without asking them, with --wait 0"
                raise SyncError(f"{name}: nothing was changed: {error}, {hint}") from None
            life = verify.lifetime(prepared, servers)
        self.applied = None
        apply(prepared, zones=zones)
        self.applied = True
        if not given.wait:
            self._print(f"{name}: changed")
            self._end()
            return
        with changed_but(name):
            took = wait_until_served(prepared, servers=servers, seconds=given.wait)
            self._print(f"{name}: changed, and answered by all its nameservers after {took:.1f} s")
            looked = verify.prove(prepared, given.resolver, seconds=given.wait - took, life=life)
        first, *rest = looked.lines(colour=_coloured())
        self._print(first, rest)
        self._end(check=looked.plain())

    def undo(self) -> int:
        """Put back what the last run changed; the exit code."""
        given = self.given
        try:
            domain = a_label(given.domain)
        except ValueError as error:
            raise SyncError(f"domain {given.domain}: {error}: write it as in example.com") from None
        zones = self._zones()
        self.zone, self.plan = undo.plan_back(domain, zones)
        only_look = given.dry_run or given.check
        if not only_look:
            self.applied = None if self.plan.changes else False
            undo.put_back(domain, self.zone, self.plan, zones)
            self.applied = True
        first = summary(domain, self.plan) if self.plan.changes else f"{domain}: nothing is left to undo"
        self._print(first, lines(self.plan, colour=_coloured()))
        self._end()
        return 2 if only_look and self.plan.changes else 0

    def failed(self, message: str, applied: bool | None) -> int:
        """Say why it failed, on stderr, and in the object on stdout if one is wanted."""
        print(message, file=sys.stderr)
        if self.given.json:
            if self.zone is None or self.plan is None:
                print(error_as_json(self.given.domain, message, applied=applied))
            else:
                print(as_json(self._domain(), self.zone.name, self.plan, applied=applied, error=message))
        return 1

    def _zones(self) -> Zones:
        return Zones(tell=lambda line: print(line, file=sys.stderr), pause=count_down)

    def _domain(self) -> str:
        try:
            return a_label(self.given.domain)
        except ValueError:
            return self.given.domain

    def _print(self, first: str, rest: Iterable[str] = ()) -> None:
        """For people: a line, and with ``--check`` no more."""
        if not self.given.json:
            print(first, *(() if self.given.check else rest), sep="\n", flush=True)

    def _end(self, **more: object) -> None:
        """For programs: the plan, and what was made of it."""
        if self.given.json and self.zone and self.plan:
            print(as_json(self._domain(), self.zone.name, self.plan, applied=self.applied, **more))


def _coloured() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")
