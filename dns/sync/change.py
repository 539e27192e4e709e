"""Making a domain's records what the inventory says: `prepare` reads and plans, `apply` changes.

A deploy calls these, and so does `python -m dns.sync`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dns.cloudflare.answers import Zone
from dns.cloudflare.outcome import Outcome
from dns.cloudflare.refusals import ALREADY_THERE, NOT_THERE
from dns.cloudflare.zones import Zones
from dns.desired import desired
from dns.errors import Blocked, ChangedBut, OutcomeUnknown, Refused, SyncError
from dns.inventory import Domain, Inventory, over_ssh
from dns.inventory.host_addresses import Addresses, is_complete
from dns.names import is_within
from dns.plan import Plan, Replacing, count_not_visible, obstacles, plan
from dns.plan.obstacles import NOTHING
from dns.records import Record, ZoneRecord, same
from dns.sync import foreign_hosts, withdrawal
from dns.sync.report import lines, summary
from dns.sync.saved import saved_from
from dns.sync.undo_file import Pending
from dns.world.resolvers import named_resolver

if TYPE_CHECKING:
    from dns.world.leads import Leads

WRITE_ATTEMPTS = 3  # if each time somebody else's run changes the zone first


@dataclass(frozen=True, slots=True)
class Prepared:
    """A domain's zone as it was read, and the plan for it. `str` gives the plan in lines."""

    domain: Domain
    zone: Zone
    plan: Plan
    inventory: Inventory
    addresses: Mapping[str, Addresses]
    replacing: Replacing
    forgetting: Collection[str] | None = ()
    """Names of mail hosts that may lose their addresses although an MX leads to them. None means any name."""
    resolver: str | None = None

    @property
    def changes(self) -> int:
        """How many records change. 0 if the zone is in sync, or if everything that differs is in the way."""
        return self.plan.changes

    @property
    def in_sync(self) -> bool:
        """Whether nothing changes and nothing is in the way."""
        return self.plan.in_sync

    @property
    def summary(self) -> str:
        """One line: in sync, or how many records differ."""
        return summary(self.domain.name, self.plan)

    @property
    def blocked(self) -> str:
        """One line: what is in the way, and what replaces it."""
        found = obstacles.in_one_line(self.domain.name, self.plan.obstacles, self.replacing)
        return f"{self.domain.name}: nothing was changed, because this is in the way: {found}"

    @property
    def remarks(self) -> tuple[str, ...]:
        """What else the user should know: that the zone is not active yet."""
        servers = " and ".join(self.zone.nameservers)
        if self.zone.status == "active":
            return ()
        if self.zone.status == "pending":
            fix = f"set its nameservers to {servers} at the registrar"
            return (f"zone {self.zone.name} is pending, so the world does not ask Cloudflare for it: {fix}",)
        fix = f"check the dashboard, and whether the registrar names {servers}"
        return (f"zone {self.zone.name} is {self.zone.status}, so the world may not see it: {fix}",)

    def planned_on(self, found: Iterable[ZoneRecord]) -> Plan:
        """Plan the same change again, for these records of the zone."""
        made = _plan(self, self.plan.desired, found)
        return made.without_deletes() if self.plan.spared else made

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
    """Read the domain's zone in two requests, and plan what to change. Nothing is changed.

    If something changes, mail hosts of other zones are looked up (`resolver` is as for `wait_until_served`).
    One that no MX may lead to is in the way. So is a mail host's name that would lose its addresses while an
    MX leads to it, unless `forgetting` holds the name. None means that any name may go.

    `addresses` holds what was read from the hosts, by `MailHost.name`. With None, those that the inventory
    leaves out are read over ssh. `zones` is the access to Cloudflare, by default from the environment. Raises
    SyncError (one line), or InventoryError if the inventory does not have the domain.
    """
    served = inventory.domain(domain)
    resolver = named_resolver(resolver)
    zones = zones or Zones()
    zone = zones.holding(served.name)
    if addresses is None:
        addresses = {
            host.name: over_ssh.read(host)
            for host in inventory.hosts
            if is_within(host.hostname, zone.name) and not is_complete(host)
        }
    wanted = desired(inventory, served, zone.name, addresses)
    prepared = Prepared(served, zone, Plan(wanted), inventory, addresses, replacing, forgetting, resolver)
    planned = _plan(prepared, wanted, zones.records(zone))
    elsewhere = foreign_hosts.outside_of(zone.name, inventory.hosts)
    if elsewhere and planned.changes:
        from dns.world.vantage import vantage_with  # late: it imports dnspython

        vantage = vantage_with(resolver)
        planned = foreign_hosts.check(planned, served.name, elsewhere, inventory, addresses, vantage)
    return replace(prepared, plan=planned)


def _plan(prepared: Prepared, wanted: tuple[Record, ...], found: Iterable[ZoneRecord]) -> Plan:
    """Plan what makes the zone, which holds the records `found`, as it is wanted."""
    inventory, domain, there = prepared.inventory, prepared.domain.name, tuple(found)

    def look_elsewhere() -> list[Leads]:
        from dns.world.vantage import vantage_with  # late: as above

        return withdrawal.look_elsewhere(inventory, domain, vantage_with(prepared.resolver))

    siblings = (sibling.name for sibling in inventory.domains)
    planned = plan(domain, prepared.zone.name, wanted, there, prepared.replacing, siblings)
    return withdrawal.check(planned, there, prepared.forgetting, look_elsewhere)


def apply(prepared: Prepared, *, zones: Zones | None = None) -> None:
    """Make the changes of the plan, in one request and one transaction. Without changes nothing is sent.

    The changes are first written down on this machine, for `--undo`. If Cloudflare refuses because somebody
    else's run came first, the zone is read again, and what is left is changed.

    Raises Blocked, before anything is sent, if something is in the way; SyncError if nothing was changed;
    OutcomeUnknown if it is not known whether anything was; ChangedBut if the zone was changed, but not, or
    not only, as planned.
    """
    for _ in range(WRITE_ATTEMPTS):
        if prepared.plan.obstacles:
            raise Blocked(prepared.blocked)
        if not prepared.changes:
            return
        zones = zones or Zones()
        refused = _send(prepared, zones)
        if refused is None:
            return
        prepared = replace(prepared, plan=prepared.planned_on(_read_again(prepared, zones, refused)))
    if not prepared.in_sync:
        raise SyncError(f"{refused}; nothing was changed in {WRITE_ATTEMPTS} attempts")


def _send(prepared: Prepared, zones: Zones) -> Refused | None:
    """Send the plan once. Returns None if it was made, and the refusal if somebody else came first."""
    name, zone = prepared.domain.name, prepared.zone
    pending = Pending(name, saved_from(zone.name, zone.id, prepared.plan))
    try:
        outcome = zones.change(zone, prepared.plan)
    except OutcomeUnknown as error:
        _settle(prepared, zones, pending, str(error))
        return None
    except Refused as error:
        pending.forget()
        if error.code in (*ALREADY_THERE, *NOT_THERE):
            return error
        raise
    except SyncError:
        pending.forget()  # nothing was sent
        raise
    if outcome.unconfirmed:
        _settle(prepared, zones, pending, "; ".join(outcome.unconfirmed), outcome)
    else:
        pending.made(saved_from(zone.name, zone.id, outcome.plan, outcome.posted))
    if outcome.edited:
        raise ChangedBut(
            f"{name}: changed, but somebody had edited these records after they were read, and they are "
            f"deleted: {'; '.join(outcome.edited)}: to take back all of this run, run python -m dns.sync "
            f"{name} --undo"
        )
    return None


def _settle(
    prepared: Prepared, zones: Zones, pending: Pending, problem: str, outcome: Outcome | None = None
) -> None:
    """Read the zone after a write of unknown outcome. Raises SyncError if the zone is not as planned."""
    name, zone = prepared.domain.name, prepared.zone
    try:
        found = zones.records(zone)
    except SyncError as again:
        raise OutcomeUnknown(
            f"{problem}; whether {name} was changed is unknown, because it cannot be read either "
            f"({again}): run again when it can be read"
        ) from None
    left, missing = prepared.planned_on(found), count_not_visible(prepared.plan, found)
    if missing == prepared.changes:
        pending.forget()
        if not left.in_sync:
            raise SyncError(f"{problem}; read again: nothing was changed: run again")
    elif missing == 0 or (outcome is not None and outcome.confirmed):
        made = outcome.plan if outcome else prepared.plan
        pending.made(saved_from(zone.name, zone.id, made, _as_found(made, found)))
        if not left.in_sync:
            raise ChangedBut(f"{problem}; read again: it was changed, but {summary(name, left)}: run again")
    elif not left.in_sync:
        raise OutcomeUnknown(
            f"{problem}; read again: somebody else changes {name} too, and whether this run did is unknown "
            f"({summary(name, left)}): run again"
        )


def _as_found(made: Plan, found: Iterable[ZoneRecord]) -> list[ZoneRecord]:
    """The new records of the plan with the identifiers that they have in the zone."""
    there = list(found)
    return [
        next((held for held in there if same(held.record, record)), ZoneRecord("", record))
        for record in made.posts
    ]


def _read_again(prepared: Prepared, zones: Zones, refused: Refused) -> tuple[ZoneRecord, ...]:
    try:
        return zones.records(prepared.zone)
    except SyncError as again:
        raise SyncError(
            f"{refused}; nothing was changed, and {prepared.domain.name} cannot be read again ({again}): "
            "run again when it can be read"
        ) from None
