"""The plans of the zones of a run: made once, and again when they may no longer be true."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pyinfra import context
from pyinfra.api.exceptions import DeployError
from pyinfra.api.host import Host

from dns import sync
from dns.inventory import Inventory
from dns.sync import Prepared, SyncError
from provision.run.inventory import inventory, named_in_run
from provision.run.step import after_prompt, has_changed_a_host
from provision.zones import facts

if TYPE_CHECKING:
    from dns.world.leads import Leads


@dataclass(frozen=True, slots=True)
class Kept:
    """The plans of the zones, kept for the part of the run and the hosts that they were made for."""

    after_prompt: bool
    after_changes: bool
    hosts: tuple[str, ...]
    plans: tuple[Prepared, ...]

    @property
    def moment(self) -> tuple[bool, bool, tuple[str, ...]]:
        return self.after_prompt, self.after_changes, self.hosts


_kept: Kept | None = None


def speaks_for_all(host: Host) -> bool:
    """Whether what is done once a run is done in the turn of this host: the first that has not failed."""
    ready = context.state.inventory.get_active_hosts()
    return bool(ready) and host.name == ready[0].name


def current() -> tuple[Prepared, ...]:
    """The plan for each domain, for the hosts that have not failed.

    The zones are read once, and again after the prompt. If the keys or the certificates of the hosts count,
    they are also read again after a step has changed a host: it may have made them.
    """
    global _kept
    whole = inventory()
    active = {host.name for host in context.state.inventory.get_active_hosts()}
    ready = tuple(host for host in whole.hosts if host.name in active)
    names = tuple(host.name for host in ready)
    moment = (after_prompt(), facts.are_needed(whole) and has_changed_a_host(), names)
    if _kept is None or _kept.moment != moment:
        if len(ready) == len(whole.hosts):
            plans = planned(whole, forgetting=named_in_run(context.host, "forget_host"))
        else:
            # Some hosts are not seen. Nothing is deleted then, so no name can go.
            plans = planned(Inventory(ready, whole.domains), forgetting=None)
            plans = [replace(made, plan=made.plan.without_deletes()) for made in plans]
        _kept = Kept(*moment, tuple(plans))
    return _kept.plans


def unserved() -> tuple[Leads, ...]:
    """What the zones of this run lead here of the mail of domains that the inventory does not have."""
    found = {leads.domain: leads for prepared in current() for leads in prepared.unserved}
    return tuple(found.values())


def planned(some: Inventory, forgetting: Collection[str] | None) -> list[Prepared]:
    """A plan for each domain, as if these were all the hosts. `forgetting` is that of `sync.prepare`.

    Raises DeployError.
    """
    keys = facts.keys_of(some)
    try:
        addresses, zones = facts.addresses_of(some), sync.Zones()  # one connection to Cloudflare for all
        plans = [
            sync.prepare(some, domain.name, addresses, forgetting=forgetting, keys=keys, zones=zones)
            for domain in some.domains
        ]
    except SyncError as error:
        raise DeployError(str(error)) from None
    return sync.in_order(plans)
