"""Looking at what a host serves, and at where its mail is led, before a run gives any of it up."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from pyinfra import context, logger
from pyinfra.api.exceptions import DeployError
from pyinfra.api.host import Host

from dns.errors import SyncError
from dns.inventory import MailHost, host_addresses
from dns.world.leads import Leads, look_up, with_addresses, with_withdrawal
from provision.desired.state import desired
from provision.host.observed import Generation, Observed
from provision.host.served import parse_served
from provision.run.inventory import inventory, mail_host, named_in_run
from provision.run.step import observe, untouched
from provision.withdrawal.given_up import given_up, without
from provision.withdrawal.promise import rollback_problem, rollback_remarks
from provision.withdrawal.refusals import LookUp, refusals, remarks, unserved_here
from provision.zones import facts, plans


def prepare() -> None:
    """Look at what this host serves, before anything is touched, and say what it will serve no longer.

    Raises DeployError, a line each, if mail is still led to what would be given up, or if that is unknown.
    """
    host, seen, wanted = context.host, observe(), desired()
    after = parse_served(wanted.configuration)
    lost = given_up(seen.served, after)
    remaining = without(lost, named_in_run(host, "forget_domain"))
    addresses = own(wanted.host, seen)
    problems = refusals(remaining, seen.served, after, addresses, in_the_dns({after.hostname}))
    if seen.served is None:  # it may replace a machine that served more
        problems += unserved_here(plans.unserved(), after.hostname, named_in_run(host, "forget_domain"))
    if problems:
        raise DeployError(untouched(problems))
    for remark in remarks(
        lost, enforced=[domain.name for domain in inventory().domains if domain.mta_sts == "enforce"]
    ):
        logger.warning(f"{host.print_prefix}{remark}")


def rolling_back(host: Host, seen: Observed, target: Generation) -> list[str]:
    """Why the host may not go back to this generation: mail is led to what it lacks, or it takes none."""
    if target.served is None:
        return [f"what generation {target.name} serves cannot be read: name another with --data generation="]
    if problem := rollback_problem(seen, target):
        return [problem]
    for remark in rollback_remarks(seen, target):
        logger.warning(f"{host.print_prefix}{remark}")
    lost = given_up(seen.served, target.served)
    return refusals(
        without(lost, named_in_run(host, "forget_domain")),
        seen.served,
        target.served,
        own(mail_host(host), seen),
        in_the_dns({target.served.hostname}),
        lacking=(f"generation {target.name} does not have", "stay, or name another with --data generation="),
    )


def own(host: MailHost, seen: Observed) -> frozenset[str]:
    """All addresses of the host: those in the inventory, and those that it has itself. Raises DeployError."""
    given = frozenset(filter(None, (host.ipv4, host.ipv6)))
    if not seen.addresses and host_addresses.is_complete(host):
        return given
    read = facts.own_addresses(host.name, seen)
    return given | {*read.ipv4, *read.ipv6}


def in_the_dns(hostnames: Collection[str]) -> LookUp:
    """Ask the DNS by the resolver of `LETTERBOX_RESOLVER` or of the system.

    The addresses of `hostnames` are known, so they are not looked up.
    """

    def leads_of(domains: Iterable[str]) -> dict[str, Leads]:
        # Imported late, because it takes time and few runs give anything up.
        from dns.world.vantage import vantage_with

        try:
            where = vantage_with(None)
        except SyncError as error:
            raise DeployError(str(error)) from None
        found = {name: with_withdrawal(look_up(name, where), where) for name in domains}
        return {name: with_addresses(leads, where, but=hostnames) for name, leads in found.items()}

    return leads_of
