"""Make a domain's records match the inventory: ``python -m dns.sync DOMAIN``.

Exit codes: 0 in sync, or made so; 1 failed, with the cause and the mend in words; 2 differs
(``--dry-run``, ``--check``). A deploy calls ``prepare``, ``apply`` and ``wait_until_served``.
"""

import os
import sys
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from dns import outside, proof, undo, withdrawal
from dns.cloudflare_errors import ALREADY_THERE, NOT_THERE
from dns.cloudflare_zone import OutcomeUnknown, Zone, Zones
from dns.countdown import count_down
from dns.desired import desired
from dns.domain import Domain
from dns.errors import Blocked, Refused, SyncError
from dns.host_addresses import Addresses, is_complete, read_over_ssh
from dns.inventory import Inventory, InventoryError, load
from dns.leads import Leads
from dns.names import a_label, is_within
from dns.plan import NOTHING, Plan, Replacing, plan
from dns.plan_text import as_json, lines, summary
from dns.sync_arguments import Arguments, parsed

__all__ = ["Addresses", "Prepared", "SyncError", "apply", "main", "prepare", "wait_until_served"]

WAIT_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Prepared:
    """A domain's zone as it was read, and the plan for it. ``str`` is the plan in lines."""

    domain: Domain
    zone: Zone
    plan: Plan
    inventory: Inventory
    addresses: Mapping[str, Addresses]
    replacing: Replacing

    @property
    def changes(self) -> int:
        """How many records are to be changed; 0 when in sync, or when all that differs is in the way."""
        return self.plan.changes

    @property
    def in_sync(self) -> bool:
        """Whether there is nothing to do, and nothing in the way."""
        return self.plan.in_sync

    @property
    def summary(self) -> str:
        """One line: in sync, or how much differs."""
        return summary(self.domain.name, self.plan)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What the user should know besides: a zone that is not active yet."""
        if self.zone.status == "active":
            return ()
        if self.zone.status == "pending":
            mend = f"set its nameservers to {' and '.join(self.zone.nameservers)} at the registrar"
            return (
                f"zone {self.zone.name} is pending, the world does not ask Cloudflare for it yet: {mend}",
            )
        mend = "see the dashboard"
        return (f"zone {self.zone.name} is {self.zone.status}, the world may not see these records: {mend}",)

    def __str__(self) -> str:
        return "\n".join([self.summary, *lines(self.plan)])


def prepare(
    inventory: Inventory,
    domain: str,
    addresses: Mapping[str, Addresses] | None = None,
    *,
    replacing: Replacing = NOTHING,
    forgetting: Collection[str] | None = (),
    zones: Zones | None = None,
    resolver: str | None = None,
) -> Prepared:
    """Read the domain's zone, in two requests, and plan what to change. Nothing is changed.

    Mail hosts of other zones are looked up (``resolver`` as for ``wait_until_served``), if something
    is to be changed: one that no MX may lead to is an obstacle. So is a mail host's name that would
    lose its addresses while an MX leads to it, unless ``forgetting`` holds it; None is any name.

    ``addresses`` holds what the hosts themselves have, by ``MailHost.name``; None has those that
    the inventory leaves out read over ssh. ``zones`` is the connection, by default made from the
    environment. Raises SyncError (one line), or InventoryError for a domain that is not served.
    """
    served = inventory.domain(domain)
    zones = zones or Zones()
    zone = zones.holding(served.name)
    if addresses is None:
        addresses = {
            host.name: read_over_ssh(host)
            for host in inventory.hosts
            if is_within(host.hostname, zone.name) and not is_complete(host)
        }

    def leads_elsewhere() -> list[Leads]:
        from dns.check import asking_from

        return withdrawal.look_elsewhere(inventory, served.name, asking_from(resolver))

    wanted = desired(inventory, served, zone.name, addresses)
    found = zones.records(zone)
    planned = plan(served.name, zone.name, wanted, found, replacing)
    planned = withdrawal.checked(planned, found, forgetting, leads_elsewhere)
    elsewhere = outside.outside(inventory.hosts, zone.name)
    if elsewhere and planned.changes:
        from dns.check import asking_from

        where = asking_from(resolver)
        planned = outside.checked(planned, served.name, elsewhere, inventory, addresses, where)
    return Prepared(served, zone, planned, inventory, addresses, replacing)


def apply(prepared: Prepared, *, zones: Zones | None = None) -> None:
    """Make the plan's changes, in one request and one transaction; without any, ask nothing.

    What is changed is kept on this machine first, for ``--undo``.

    Raises Blocked, before anything is sent, where foreign records stand in the way; SyncError where
    Cloudflare refused (nothing was changed), or where it cannot be said whether it was.
    """
    if prepared.plan.obstacles:
        raise Blocked(_blocked(prepared))
    if not prepared.plan.changes:
        return
    with undo.kept(prepared.domain.name, prepared.zone.name, prepared.plan):
        _change(prepared, zones or Zones())


def _change(prepared: Prepared, zones: Zones) -> None:
    try:
        unlike = zones.change(prepared.zone, prepared.plan)
    except OutcomeUnknown as error:
        _settle(prepared, zones, error)
        return
    except Refused as error:
        # Somebody else's run may have come first: benign if the zone now is as it should be.
        if error.code in (*ALREADY_THERE, *NOT_THERE):
            _settle(prepared, zones, error)
            return
        raise
    if unlike:
        raise SyncError(f"{prepared.domain.name}: {'; '.join(unlike)}: run again to see what is there now")


def _blocked(prepared: Prepared) -> str:
    obstacles = "; ".join(str(obstacle) for obstacle in prepared.plan.obstacles)
    return f"{prepared.domain.name}: nothing was changed, this stands in the way: {obstacles}"


def _settle(prepared: Prepared, zones: Zones, error: SyncError) -> None:
    """Read again after a write whose outcome is unknown; raise if the zone is not as it should be."""
    try:
        wanted = prepared.plan.desired
        found = zones.records(prepared.zone)
    except SyncError as again:
        raise SyncError(
            f"{error}; whether {prepared.domain.name} was changed is unknown, as it cannot be read either "
            f"({again}): run again when it can, that shows it"
        ) from None
    left = plan(prepared.domain.name, prepared.zone.name, wanted, found, prepared.replacing)
    if prepared.plan.spared:
        left = left.without_deletes()
    if left.in_sync:
        return
    state = "nothing was changed" if left == prepared.plan else summary(prepared.domain.name, left)
    raise SyncError(f"{error}; read again: {state}: run again") from None


def wait_until_served(
    prepared: Prepared,
    *,
    seconds: float = WAIT_SECONDS,
    resolver: str | None = None,
    port: int = 53,
    show: Callable[..., None] | None = None,
) -> float:
    """Ask the zone's own nameservers until all answer every record; the seconds that took.

    ``resolver`` (``ADDRESS`` or ``ADDRESS#PORT``, by default LETTERBOX_RESOLVER, else the system's)
    looks up the nameservers' addresses; ``port`` is where they listen. ``show`` gets the progress,
    by default it is shown on stderr. Raises NotServed with what is still missing.
    """
    from dns import served
    from dns.served_display import shown

    questions = served.expected(prepared.plan)
    at = served.resolver_at(resolver or os.environ.get("LETTERBOX_RESOLVER"))
    servers = served.servers_of(prepared.zone.nameservers, at)
    if show is not None:
        return served.wait(servers, questions, seconds=seconds, port=port, show=show)
    title = f"{prepared.zone.name}: asking its nameservers, for {seconds:g} s at most"
    with shown(title) as display:
        return served.wait(servers, questions, seconds=seconds, port=port, show=display)


def main(argv: list[str] | None = None) -> int:
    """The command line; the exit code."""
    given = parsed(sys.argv[1:] if argv is None else argv)
    try:
        return _run(given)
    except (SyncError, InventoryError) as error:
        print(error, file=sys.stderr)
    except KeyboardInterrupt:
        print("interrupted: run again, that shows what is there", file=sys.stderr)
    return 1


def _run(given: Arguments) -> int:
    inventory = None if given.undo else load(Path(given.inventory))
    zones = Zones(tell=lambda line: print(line, file=sys.stderr), pause=count_down)
    if inventory is None:
        return _undo(given, zones)
    prepared = prepare(
        inventory,
        given.domain,
        replacing=given.replacing,
        forgetting=given.forgetting,
        zones=zones,
        resolver=given.resolver,
    )
    for remark in prepared.remarks:
        print(remark, file=sys.stderr)
    only_look = given.dry_run or given.check
    if not given.json:
        _show(prepared, briefly=given.check)
    if only_look or prepared.plan.obstacles or prepared.in_sync:
        if given.json:
            print(as_json(prepared.domain.name, prepared.zone.name, prepared.plan, applied=False))
        if prepared.plan.obstacles:
            print(_blocked(prepared), file=sys.stderr)
            return 1
        return 0 if prepared.in_sync else 2
    life = proof.lifetime(prepared, given.resolver) if given.wait else None
    apply(prepared, zones=zones)
    made: dict[str, object] = {"applied": True}
    try:
        if given.wait:
            took = wait_until_served(prepared, seconds=given.wait, resolver=given.resolver)
            done = f"changed, and answered by all its nameservers after {took:.1f} s"
            _say(given, f"{prepared.domain.name}: {done}")
            looked = proof.prove(prepared, given.resolver, seconds=given.wait - took, life=life)
            _say(given, *looked.lines(colour=_coloured()))
            made["check"] = looked.plain()
        else:
            _say(given, f"{prepared.domain.name}: changed")
    finally:
        # Also where the nameservers are late: a program is to know that the change was made.
        if given.json:
            print(as_json(prepared.domain.name, prepared.zone.name, prepared.plan, **made))
    return 0


def _say(given: Arguments, *lines: str) -> None:
    if not given.json:
        print(*lines, sep="\n", flush=True)


def _undo(given: Arguments, zones: Zones) -> int:
    try:
        domain = a_label(given.domain)
    except ValueError as error:
        raise SyncError(f"domain {given.domain}: {error}: write it as in example.com") from None
    zone, back = undo.plan_back(domain, zones)
    only_look = given.dry_run or given.check
    if not only_look:
        undo.put_back(domain, zone, back, zones)
    if given.json:
        print(as_json(domain, zone.name, back, applied=not only_look))
    else:
        changed = summary(domain, back) if back.changes else f"{domain}: nothing is left to undo"
        _print(changed, () if given.check else lines(back, colour=_coloured()))
    return 2 if only_look and back.changes else 0


def _show(prepared: Prepared, *, briefly: bool) -> None:
    _print(prepared.summary, () if briefly else lines(prepared.plan, colour=_coloured()))


def _print(first: str, rest: Iterable[str]) -> None:
    print(first, *rest, sep="\n", flush=True)


def _coloured() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


if __name__ == "__main__":
    sys.exit(main())
