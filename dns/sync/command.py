"""The command line of `python -m dns.sync`.

Exit codes: 0 in sync, or made so; 1 failed, with the cause and the fix in words; 2 differs (`--dry-run`,
`--check`). With `--json` one object is printed on stdout, whatever happens.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from dns.cloudflare.answers import Zone
from dns.cloudflare.zones import Zones
from dns.errors import SyncError
from dns.inventory import InventoryError, load
from dns.names import a_label
from dns.plan import Plan
from dns.sync import report, undo, verify
from dns.sync.arguments import Arguments, parse_arguments
from dns.sync.prepared import Prepared
from dns.sync.preparing import prepare, prepare_withdrawal
from dns.sync.stages import Serve, carry_out
from dns.terminal.colour import is_coloured
from dns.terminal.countdown import count_down

_INTERRUPTED = {
    False: "nothing was changed",
    True: "the zone was changed",
    None: "it is unknown whether the zone was changed",
}


def main(argv: list[str] | None = None) -> int:
    """Run the command line. Returns the exit code."""
    run = _Run(parse_arguments(sys.argv[1:] if argv is None else argv))
    try:
        return run.undo() if run.given.undo else run.sync()
    except (SyncError, InventoryError) as error:
        return run.failed(str(error), getattr(error, "applied", False))
    except KeyboardInterrupt:
        state = _INTERRUPTED[run.applied]
        return run.failed(f"interrupted, {state}: run again to see what is there", run.applied)


@dataclass(slots=True)
class _Run:
    """One run: what was asked for, and how far it is. An early end reports both."""

    given: Arguments
    zone: Zone | None = None
    plan: Plan | None = None
    applied: bool | None = False
    """Whether the zone was changed. None while that is unknown."""

    def sync(self) -> int:
        """Read, plan, and change if it is asked for. Returns the exit code."""
        given = self.given
        inventory = load(Path(given.inventory))
        zones = self._zones()
        planning = prepare_withdrawal if given.withdraw else prepare
        prepared = planning(
            inventory,
            given.domain,
            replacing=given.replacing,
            forgetting=given.forgetting,
            zones=zones,
            resolver=given.resolver,
            forget_policy=given.forget_policy,
        )
        self.zone, self.plan = prepared.zone, prepared.plan
        for remark in prepared.remarks:
            print(remark, file=sys.stderr)
        self._print(prepared.summary, report.lines(prepared.plan, colour=is_coloured(), obstacles=False))
        if prepared.plan.obstacles:
            return self.failed(prepared.blocked, False)
        if given.dry_run or given.check or prepared.in_sync:
            if prepared.in_sync:
                self._print_next(prepared)
            self._print_json()
            return 0 if prepared.in_sync else 2
        self._change(prepared, zones)
        return 0

    def _change(self, prepared: Prepared, zones: Zones) -> None:
        """Change the zone, and verify it unless `--wait 0` is given."""
        given, name = self.given, prepared.domain.name
        if not given.wait:
            self._carry_out(prepared, zones, lambda stage: None)
            self._print_next(prepared)
            self._print_json()
            return
        try:
            located = verify.locate_nameservers(prepared, given.resolver)
        except SyncError as error:
            hint = "or change without asking them, with --wait 0"
            raise SyncError(f"{name}: nothing was changed: {error}, {hint}") from None
        servers = located.servers
        ttl = None if given.withdraw else verify.longest_ttl(prepared, servers)
        took = 0.0

        def serve(stage: Prepared) -> float:
            nonlocal took
            self.plan = stage.plan
            seconds = verify.wait_until_served(stage, servers=servers, seconds=given.wait)
            took += seconds
            return seconds

        self._carry_out(prepared, zones, serve)
        if given.withdraw:
            self._print_next(prepared)
            self._print_json()
            return
        with verify.changed_but(name):
            verification = verify.verify(
                prepared, given.resolver, located=located, seconds=max(0.0, given.wait - took), ttl=ttl
            )
        self._print_next(prepared)
        first, *rest = verification.lines(colour=is_coloured())
        self._print(first, rest)
        self._print_json(check=verification.to_json())

    def _carry_out(self, prepared: Prepared, zones: Zones, serve: Serve) -> None:
        """Change the zone. After a change of which the outcome is known, `applied` is True."""
        self.applied = None

        def done(words: str) -> None:
            self.applied = True

        self.plan = carry_out(
            prepared, zones=zones, serve=serve, pause=count_down, tell=self._print, done=done
        )
        self.applied = True

    def _print_next(self, prepared: Prepared) -> None:
        """Say what is left to do, and when, if records stay for a time."""
        lines = (
            report.next_steps(prepared.domain.name, self.plan, withdrawn=self.given.withdraw)
            if self.plan
            else ()
        )
        for line in () if self.given.check else lines:
            self._print(line)

    def undo(self) -> int:
        """Put back what the last run changed. Returns the exit code."""
        given = self.given
        try:
            domain = a_label(given.domain)
        except ValueError as error:
            raise SyncError(f"domain {given.domain}: {error}: write it as in example.com") from None
        zones = self._zones()
        self.zone, self.plan = undo.plan_undo(domain, zones, given.forgetting, resolver=given.resolver)
        only_look = given.dry_run or given.check
        if not only_look:
            self.applied = None if self.plan.changes else False
            self.plan = undo.apply(domain, self.zone, self.plan, zones)
            self.applied = True
        first = (
            report.summary(domain, self.plan) if self.plan.changes else f"{domain}: nothing is left to undo"
        )
        self._print(first, report.lines(self.plan, colour=is_coloured()))
        self._print_json()
        return 2 if only_look and self.plan.changes else 0

    def failed(self, message: str, applied: bool | None) -> int:
        """Print the reason on stderr, and with `--json` also on stdout. Returns the exit code."""
        print(message, file=sys.stderr)
        if self.given.json:
            if self.zone is None or self.plan is None:
                _print_object(report.error_to_json(self.given.domain, message, applied=applied))
            else:
                self._print_plan(applied=applied, error=message)
        return 1

    def _zones(self) -> Zones:
        return Zones(tell=lambda line: print(line, file=sys.stderr), pause=count_down)

    def _print(self, first: str, rest: Iterable[str] = ()) -> None:
        """Print lines for people. With `--check` only the first, and with `--json` none."""
        if not self.given.json:
            print(first, *(() if self.given.check else rest), sep="\n", flush=True)

    def _print_json(self, **more: object) -> None:
        """Print the plan and what came of it, if `--json` is given."""
        if self.given.json:
            self._print_plan(applied=self.applied, **more)

    def _print_plan(self, **more: object) -> None:
        if self.zone and self.plan:
            try:
                domain = a_label(self.given.domain)
            except ValueError:
                domain = self.given.domain
            _print_object(report.to_json(domain, self.zone.name, self.plan, **more))


def _print_object(value: dict[str, object]) -> None:
    print(json.dumps(value, indent=2))
