"""Making a domain's records what the inventory says: looked at, planned, changed, and settled.

``prepare`` reads and plans, ``apply`` changes. A deploy calls these, and so does ``python -m dns.sync``.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from dns.cloudflare.answers import Made
from dns.cloudflare.refusals import ALREADY_THERE, NOT_THERE
from dns.cloudflare.zones import Zone, Zones
from dns.desired import desired
from dns.errors import Blocked, ChangedBut, OutcomeUnknown, Refused, SyncError
from dns.inventory.checked import Inventory
from dns.inventory.domain import Domain
from dns.inventory.host_addresses import Addresses, is_complete, read_over_ssh
from dns.names import is_within
from dns.plan import obstacles
from dns.plan.matching import NOTHING, Plan, Replacing, not_seen, plan
from dns.records import Record, ZoneRecord, same
from dns.sync import foreign_hosts, withdrawal
from dns.sync.report import lines, summary
from dns.sync.undo_file import Pending, saved_from
from dns.terminal.arguments import named_resolver
from dns.world.leads import Leads

WRITE_ATTEMPTS = 3  # where somebody else's run came first each time


@dataclass(frozen=True, slots=True)
class Prepared:
    """A domain's zone as it was read, and the plan for it. ``str`` is the plan in lines."""

    domain: Domain
    zone: Zone
    plan: Plan
    inventory: Inventory
    addresses: Mapping[str, Addresses]
    replacing: Replacing
    forgetting: Collection[str] | None = ()
    """Names of mail hosts that may lose their addresses while mail is led to them; None is any."""
    resolver: str | None = None

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
    def blocked(self) -> str:
        """One line: what stands in the way, and what replaces it."""
        found = obstacles.described(self.domain.name, self.plan.obstacles, self.replacing)
        return f"{self.domain.name}: nothing was changed, this stands in the way: {found}"

    @property
    def remarks(self) -> tuple[str, ...]:
        """What the user should know besides: a zone that is not active yet."""
        servers = " and ".join(self.zone.nameservers)
        if self.zone.status == "active":
            return ()
        if self.zone.status == "pending":
            fix = f"set its nameservers to {servers} at the registrar"
            return (f"zone {self.zone.name} is pending, the world does not ask Cloudflare for it yet: {fix}",)
        fix = f"see the dashboard, and whether the registrar names {servers}"
        return (f"zone {self.zone.name} is {self.zone.status}, the world may not see these records: {fix}",)

    def planned_on(self, found: Iterable[ZoneRecord]) -> Plan:
        """The plan for the same domain, were these the zone's records."""
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
    """Read the domain's zone, in two requests, and plan what to change. Nothing is changed.

    Mail hosts of other zones are looked up (``resolver`` as for ``wait_until_served``), if something
    is to be changed: one that no MX may lead to is an obstacle. So is a mail host's name that would
    lose its addresses while an MX leads to it, unless ``forgetting`` holds it; None is any name.

    ``addresses`` holds what the hosts themselves have, by ``MailHost.name``; None has those that
    the inventory leaves out read over ssh. ``zones`` is the connection, by default made from the
    environment. Raises SyncError (one line), or InventoryError for a domain that is not served.
    """
    served = inventory.domain(domain)
    resolver = named_resolver(resolver)
    zones = zones or Zones()
    zone = zones.holding(served.name)
    if addresses is None:
        addresses = {
            host.name: read_over_ssh(host)
            for host in inventory.hosts
            if is_within(host.hostname, zone.name) and not is_complete(host)
        }
    wanted = desired(inventory, served, zone.name, addresses)
    prepared = Prepared(served, zone, Plan(wanted), inventory, addresses, replacing, forgetting, resolver)
    planned = _plan(prepared, wanted, zones.records(zone))
    elsewhere = foreign_hosts.outside(inventory.hosts, zone.name)
    if elsewhere and planned.changes:
        from dns.check.command import asking_from

        where = asking_from(resolver)
        planned = foreign_hosts.checked(planned, served.name, elsewhere, inventory, addresses, where)
    return replace(prepared, plan=planned)


def _plan(prepared: Prepared, wanted: tuple[Record, ...], found: Iterable[ZoneRecord]) -> Plan:
    """What makes the zone, were these its records, what is wanted."""
    inventory, domain, found = prepared.inventory, prepared.domain, tuple(found)

    def leads_elsewhere() -> list[Leads]:
        from dns.check.command import asking_from

        return withdrawal.look_elsewhere(inventory, domain.name, asking_from(prepared.resolver))

    others = (other.name for other in inventory.domains)
    planned = plan(domain.name, prepared.zone.name, wanted, found, prepared.replacing, others)
    return withdrawal.checked(planned, found, prepared.forgetting, leads_elsewhere)


def apply(prepared: Prepared, *, zones: Zones | None = None) -> None:
    """Make the plan's changes, in one request and one transaction; without any, ask nothing.

    What is changed is kept on this machine first, for ``--undo``. Where somebody else's run came first,
    so that Cloudflare refused, the zone is read again, and what is still to be changed is changed.

    Raises Blocked, before anything is sent, where foreign records stand in the way; SyncError where
    Cloudflare refused (nothing was changed); OutcomeUnknown where it cannot be said whether it was;
    ChangedBut where it was, but not, or not only, as planned.
    """
    for _ in range(WRITE_ATTEMPTS):
        if prepared.plan.obstacles:
            raise Blocked(prepared.blocked)
        if not prepared.changes:
            return
        zones = zones or Zones()
        refused = _change(prepared, zones)
        if refused is None:
            return
        prepared = replace(prepared, plan=prepared.planned_on(_read_again(prepared, zones, refused)))
    if not prepared.in_sync:
        raise SyncError(f"{refused}; nothing was changed, as it went so {WRITE_ATTEMPTS} times")


def _change(prepared: Prepared, zones: Zones) -> Refused | None:
    """Send the plan once; None where it was made, the refusal where somebody else came first."""
    name, zone = prepared.domain.name, prepared.zone
    pending = Pending(name, saved_from(zone.name, zone.id, prepared.plan))
    try:
        made = zones.change(zone, prepared.plan)
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
    if made.unconfirmed:
        _settle(prepared, zones, pending, "; ".join(made.unconfirmed), made)
    else:
        pending.made(saved_from(zone.name, zone.id, made.plan, made.posted))
    if made.edited:
        raise ChangedBut(
            f"{name}: changed, but edited in between by somebody else, and deleted: "
            f"{'; '.join(made.edited)}: python -m dns.sync {name} --undo takes back all of this run"
        )
    return None


def _settle(
    prepared: Prepared, zones: Zones, pending: Pending, problem: str, made: Made | None = None
) -> None:
    """Read again after a write whose outcome is not known; raise if the zone is not as it should be."""
    name, zone = prepared.domain.name, prepared.zone
    try:
        found = zones.records(zone)
    except SyncError as again:
        raise OutcomeUnknown(
            f"{problem}; whether {name} was changed is unknown, as it cannot be read either "
            f"({again}): run again when it can, that shows it"
        ) from None
    left, missing = prepared.planned_on(found), not_seen(prepared.plan, found)
    if missing == prepared.changes:
        pending.forget()
        if not left.in_sync:
            raise SyncError(f"{problem}; read again: nothing was changed: run again")
    elif missing == 0 or (made is not None and made.confirmed):
        carried_out = made.plan if made else prepared.plan
        pending.made(saved_from(zone.name, zone.id, carried_out, _as_found(carried_out, found)))
        if not left.in_sync:
            raise ChangedBut(f"{problem}; read again: it was changed, but {summary(name, left)}: run again")
    elif not left.in_sync:
        raise OutcomeUnknown(
            f"{problem}; read again: somebody else changes {name} too, and whether this run did is unknown "
            f"({summary(name, left)}): run again"
        )


def _as_found(carried_out: Plan, found: Iterable[ZoneRecord]) -> list[ZoneRecord]:
    """The posted records with their identifiers."""
    there = list(found)
    return [
        next((held for held in there if same(held.record, record)), ZoneRecord("", record))
        for record in carried_out.posts
    ]


def _read_again(prepared: Prepared, zones: Zones, refused: Refused) -> tuple[ZoneRecord, ...]:
    try:
        return zones.records(prepared.zone)
    except SyncError as again:
        raise SyncError(
            f"{refused}; nothing was changed, and {prepared.domain.name} cannot be read again ({again}): "
            "run again when it can"
        ) from None
