"""Reading a domain's zone, and planning for it.

`prepare` plans what makes the zone as the inventory says, and `prepare_withdrawal` how a domain's records go.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from dns.cloudflare.zones import Zones
from dns.dane import decision, facts
from dns.desired import desired
from dns.errors import SyncError
from dns.inventory import Domain, Inventory, over_ssh
from dns.inventory.host_addresses import Addresses, is_complete
from dns.names import a_label, is_within
from dns.plan import Plan, Replacing
from dns.plan.obstacles import NOTHING
from dns.records import ADDRESS_TYPES
from dns.sync import foreign_hosts, policies
from dns.sync.leaving import old_names
from dns.sync.leaving.unserved import unserved
from dns.sync.prepared import Prepared, utc_now
from dns.world.resolvers import named_resolver


def prepare(
    inventory: Inventory,
    domain: str,
    addresses: Mapping[str, Addresses] | None = None,
    *,
    replacing: Replacing = NOTHING,
    forgetting: Collection[str] | None = (),
    zones: Zones | None = None,
    resolver: str | None = None,
    clock: Callable[[], datetime] = utc_now,
    look_up: old_names.LookUp | None = None,
    keys: facts.Keys | None = None,
    outside: facts.Outside | None = None,
    forget_policy: bool = False,
    missing: Collection[str] = (),
) -> Prepared:
    """Read the domain's zone in two requests, and plan what to change. Nothing is changed.

    If something changes, mail hosts of other zones are looked up (`resolver` is as for `wait_until_served`).
    One that no MX may lead to is in the way. A mail host's name that nothing asks for any more keeps its
    addresses for a time (`old_names`), unless `forgetting` holds it. None means that any name may go.

    `addresses` holds what was read from the hosts, by `MailHost.name`. With None, those that the inventory
    leaves out are read over ssh. `zones` is the access to Cloudflare, by default from the environment.
    `clock` gives the time in UTC. `look_up` says where other domains' mail is led, by default what the DNS
    answers. If a domain of the zone asks for DANE, a third request reads its DNSSEC, and `outside` is the
    world to ask. `keys` holds what the hosts answered about their keys and accounts. None asks them over ssh,
    if that is needed for DANE, for CAA at their names, or for a policy that is to be enforced.

    If the domain has an MTA-STS policy, or the inventory wants one, that is fetched as a sender does it, and
    Cloudflare is asked about its Worker unless it is as wanted. Without a host in the inventory the policy is
    taken back. `forget_policy` takes it away at once.

    `missing` are the names of mail hosts that are not in `inventory`, because this run knows nothing of them.
    With these, nothing is deleted, and no policy loses a host or becomes enforced.

    Raises SyncError (one line), or InventoryError if the inventory does not have the domain.
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
    outside = outside or facts.outside_of(resolver)
    known = facts.look(inventory, served, zone, zones, keys, outside)
    dane, caa = known.decide(), known.caa
    wanted = desired(inventory, served, zone.name, addresses, dane.keys, caa)
    prepared = Prepared(
        served,
        zone,
        Plan(wanted),
        inventory,
        addresses,
        replacing,
        forgetting,
        resolver,
        clock=clock,
        look_up=look_up,
        dane=dane,
        caa=caa,
        keys={**(keys or {}), **known.keys},
        wanted=wanted,
        found=zones.records(zone),
        asked=policies.asked_of(inventory, served, missing=missing, forget=forget_policy),
        missing=tuple(missing),
        outside=outside,
    )
    prepared = policies.looked_up(prepared, zones, ask=keys is None)
    planned = prepared.planned_on(prepared.found)
    if changed := decision.changed_hosts(planned, inventory.hosts):
        # Nothing is published that an address does not serve. A host whose records stand is not asked again.
        dane = known.decide(facts.served_elsewhere(changed, addresses, known.keys, outside.greet))
        wanted = desired(inventory, served, zone.name, addresses, dane.keys, caa)
        prepared = replace(prepared, wanted=wanted, dane=dane)
        planned = prepared.planned_on(prepared.found)
    elsewhere = foreign_hosts.outside_of(zone.name, inventory.hosts)
    if elsewhere and planned.changes:
        from dns.world.vantage import vantage_with  # late: it imports dnspython

        vantage = vantage_with(resolver)
        planned = foreign_hosts.check(planned, served.name, elsewhere, inventory, addresses, vantage)
    return replace(prepared, plan=planned, unserved=unserved(prepared.found, inventory))


def prepare_withdrawal(
    inventory: Inventory,
    domain: str,
    *,
    replacing: Replacing = NOTHING,
    forgetting: Collection[str] | None = (),
    zones: Zones | None = None,
    resolver: str | None = None,
    clock: Callable[[], datetime] = utc_now,
    look_up: old_names.LookUp | None = None,
    outside: facts.Outside | None = None,
    forget_policy: bool = False,
) -> Prepared:
    """Read the domain's zone in two requests, and plan how its records go. Nothing is changed.

    The domain may be in the inventory or not. The arguments are as for `prepare`. An MTA-STS
    policy that stands is taken back. Raises SyncError.
    """
    try:
        name = a_label(domain)
    except ValueError as error:
        raise SyncError(f"domain {domain}: {error}: write it as in example.com") from None
    zones, resolver = zones or Zones(), named_resolver(resolver)
    served = Domain(name, (), {}, None, None, "", 1)
    zone = zones.holding(name)
    prepared = Prepared(
        served,
        zone,
        Plan(()),
        inventory,
        {},
        replacing,
        forgetting,
        resolver,
        withdrawing=True,
        clock=clock,
        look_up=look_up,
        found=zones.records(zone),
        asked=policies.asked_of(inventory, served, ending=True, forget=forget_policy),
        outside=outside or facts.outside_of(resolver),
    )
    prepared = policies.looked_up(prepared, zones, ask=False)
    return replace(prepared, plan=prepared.planned_on(prepared.found))


def in_order(plans: Iterable[Prepared]) -> list[Prepared]:
    """The plans of several domains in the order in which they are to be carried out.

    A zone that publishes a host's addresses goes before a zone whose MX leads there. Otherwise a sender may
    find the MX and no address.
    """
    return sorted(plans, key=lambda one: not any(r.type in ADDRESS_TYPES for r in one.plan.desired))
