"""The plans of the zones of a run: made once, and again when they may no longer be true."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
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


Moment = tuple[object, ...]

_kept: tuple[Moment, tuple[Prepared, ...]] | None = None
"""The plans of the run, and the part of it and the hosts that they were made for."""


def speaks_for_all(host: Host) -> bool:
    """Whether what is done once a run is done in the turn of this host: the first that has not failed."""
    ready = context.state.inventory.get_active_hosts()
    return bool(ready) and host.name == ready[0].name


def current() -> tuple[Prepared, ...]:
    """The plan for each domain, for the hosts that have not failed.

    The zones are read once, and again after the prompt. If the keys or the certificates of the hosts count,
    they are also read again after a step has changed a host: it may have made them.
    """
    whole, active = inventory(), _active()
    ready = tuple(host for host in whole.hosts if host.name in active)
    missing = tuple(host.hostname for host in whole.hosts if host not in ready)
    made_anew = facts.are_needed(whole) and has_changed_a_host()

    def make() -> Iterable[Prepared]:
        if not missing:
            return planned(whole, forgetting=named_in_run(context.host, "forget_host"))
        # Nothing is deleted then, so no name can go.
        return planned(Inventory(ready, whole.domains), forgetting=None, missing=missing)

    return _once(("current", made_anew, *(host.name for host in ready)), make)


def without_leaving() -> tuple[Prepared, ...]:
    """The plan for each domain if the hosts of this run go, and the inventory's other hosts stay."""
    whole, leaving = inventory(), _active()
    staying = tuple(host for host in whole.hosts if host.name not in leaving)
    # A sender that has an MX of a host that goes finds its address for a while, fails there, and tries the
    # others. If no host stays, there is nobody else to try.
    forgetting = named_in_run(context.host, "forget_host") if staying else None

    def make() -> Iterable[Prepared]:
        plans = planned(Inventory(staying, whole.domains), forgetting=forgetting)
        return [prepared.without_signing for prepared in plans]

    return _once(("without", *(host.name for host in staying)), make)


def _active() -> set[str]:
    return {host.name for host in context.state.inventory.get_active_hosts()}


def _once(moment: Moment, make: Callable[[], Iterable[Prepared]]) -> tuple[Prepared, ...]:
    """What was made at this moment of the run, before or after the prompt. If nothing was, make it."""
    global _kept
    whole = (after_prompt(), *moment)
    if _kept is None or _kept[0] != whole:
        _kept = whole, tuple(make())
    return _kept[1]


def unserved() -> tuple[Leads, ...]:
    """What the zones of this run lead here of the mail of domains that the inventory does not have."""
    found = {leads.domain: leads for prepared in current() for leads in prepared.unserved}
    return tuple(found.values())


def policies_to_forget(*, hosts_stay: bool = True) -> frozenset[str]:
    """The domains that `--data forget_policy=DOMAIN` names. `hosts_stay` is whether they still have hosts.

    Raises DeployError if the inventory has no such domain, or wants a policy for it.
    """
    whole, named = inventory(), named_in_run(context.host, "forget_policy")
    names = {domain.name: domain for domain in whole.domains}
    for name in sorted(named):
        if name not in names:
            why = f"the inventory has no domain of this name, but {', '.join(sorted(names))}"
        elif hosts_stay and names[name].mta_sts in ("testing", "enforce"):
            why = 'the inventory wants a policy for it: write "mta_sts": "none" there first'
        else:
            continue
        raise DeployError(f"forget_policy={name}: {why}. Nothing was changed.")
    return named


def planned(
    some: Inventory, forgetting: Collection[str] | None, missing: Collection[str] = ()
) -> list[Prepared]:
    """A plan for each domain, as if these and the `missing` names were all the hosts.

    `forgetting` and `missing` are those of `sync.prepare`. Raises DeployError.
    """
    forgotten = policies_to_forget(hosts_stay=bool(some.hosts or missing))
    keys = facts.keys_of(some)
    try:
        addresses, zones = facts.addresses_of(some), sync.Zones()  # one connection to Cloudflare for all
        plans = [
            sync.prepare(
                some,
                domain.name,
                addresses,
                forgetting=forgetting,
                forget_policy=domain.name in forgotten,
                missing=missing,
                keys=keys,
                zones=zones,
            )
            for domain in some.domains
        ]
    except SyncError as error:
        raise DeployError(str(error)) from None
    return sync.in_order(plans)
