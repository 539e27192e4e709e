"""DNS as the last step of a deploy: once for all hosts, and only when they are ready to receive.

The zones are looked at before any host is touched, so that a missing token or a record that stands in the
way stops the run while nothing is half done. They are changed after the last host is ready. A host that has
failed on the way gets no record that it does not have already, and loses none.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pyinfra import context, logger
from pyinfra.api.command import FunctionCommand, StringCommand
from pyinfra.api.exceptions import DeployError
from pyinfra.api.host import Host

from dns import sync
from dns.inventory import Inventory, host_account, host_addresses, host_keys
from dns.inventory.host_addresses import Addresses
from dns.inventory.host_keys import HostKeys, parse_keys
from dns.sync import Prepared, SyncError
from dns.terminal.lines import in_columns
from provision.dns_changes import apply_command, offer_proof, settle_commands
from provision.host.observed import Observed
from provision.run.inventory import inventory, mail_host, named_in_run
from provision.run.refusal import INDENT
from provision.run.step import Command, Decision, after_prompt, for_any_shell, observe, step

if TYPE_CHECKING:
    from dns.world.leads import Leads


@dataclass(frozen=True, slots=True)
class KeptPlans:
    """The plans of the zones, kept for the part of the run and the hosts that they were made for."""

    after_prompt: bool
    hosts: tuple[str, ...]
    plans: tuple[Prepared, ...]


_kept: KeptPlans | None = None
_HINT = " (a deploy reads LETTERBOX_RESOLVER in place of --resolver)"


def prepare() -> None:
    """Look at the zones of all domains, before anything is touched.

    Raises DeployError, one line with the fix, if they cannot be read or something stands in the way.
    """
    if not _speaks_for_all(context.host):
        return
    plans = _plans()
    for remark in dict.fromkeys(
        remark for prepared in plans for remark in (*prepared.remarks, *prepared.stays)
    ):
        logger.warning(f"{context.host.print_prefix}{remark}")
    blocked = [prepared.blocked for prepared in plans if prepared.plan.obstacles]
    if blocked:
        raise DeployError("\n".join(blocked))
    if context.state.should_check_for_changes():
        _show(plans)  # before the prompt, and in a dry run; pyinfra itself shows only that there is a change
    for prepared in plans:
        if prepared.changes:
            try:
                sync.nameservers_to_ask(prepared)
            except SyncError as error:
                raise DeployError(f"{prepared.domain.name}: nothing was changed: {error}{_HINT}") from None


def _show(plans: Iterable[Prepared]) -> None:
    """Show what would change in each zone, record by record."""
    for prepared in plans:
        first, *records = str(prepared).splitlines()
        for text in (f"DNS of {first}", *records):
            for line in in_columns(text, sys.stderr, before=INDENT):
                logger.info(line)


def _speaks_for_all(host: Host) -> bool:
    """Whether what is done once a run is done in the turn of this host: the first that has not failed."""
    ready = context.state.inventory.get_active_hosts()
    return bool(ready) and host.name == ready[0].name


def _plans() -> tuple[Prepared, ...]:
    """The plan for each domain, for the hosts that have not failed. Read once, and again after the prompt."""
    global _kept
    whole = inventory()
    active = {host.name for host in context.state.inventory.get_active_hosts()}
    ready = tuple(host for host in whole.hosts if host.name in active)
    names = tuple(host.name for host in ready)
    if _kept is None or (_kept.after_prompt, _kept.hosts) != (after_prompt(), names):
        if len(ready) == len(whole.hosts):
            plans = _planned(whole, forgetting=named_in_run(context.host, "forget_host"))
        else:
            # Some hosts are not seen. Nothing is deleted then, so no name can go.
            plans = _planned(Inventory(ready, whole.domains), forgetting=None)
            plans = [replace(made, plan=made.plan.without_deletes()) for made in plans]
        _kept = KeptPlans(after_prompt(), names, tuple(plans))
    return _kept.plans


def unserved() -> tuple[Leads, ...]:
    """What the zones of this run lead here of the mail of domains that the inventory does not have."""
    found = {leads.domain: leads for prepared in _plans() for leads in prepared.unserved}
    return tuple(found.values())


def _planned(some: Inventory, forgetting: Collection[str] | None) -> list[Prepared]:
    """A plan for each domain, as if these were all the hosts. `forgetting` is that of `sync.prepare`.

    Raises DeployError.
    """
    keys = _keys(some)
    try:
        addresses, zones = _addresses(some), sync.Zones()  # one connection to Cloudflare for all domains
        plans = [
            sync.prepare(some, domain.name, addresses, forgetting=forgetting, keys=keys, zones=zones)
            for domain in some.domains
        ]
    except SyncError as error:
        raise DeployError(str(error)) from None
    return sync.in_order(plans)


def _addresses(some: Inventory) -> Mapping[str, Addresses]:
    """What the hosts answer of their addresses, for those whose addresses the inventory leaves out.

    Raises DeployError.
    """
    hosts = {host.name: host for host in context.state.inventory}
    return {
        host.name: own_addresses(host.name, observe(hosts[host.name]))
        for host in some.hosts
        if not host_addresses.is_complete(host)
    }


def _keys(some: Inventory) -> Mapping[str, HostKeys]:
    """What the hosts of this run answer about their keys, if a domain asks for what needs them."""
    if not any(domain.dane or domain.caa_at_hosts for domain in some.domains):
        return {}
    asked = {host.name: host for host in context.state.inventory.get_active_hosts()}
    not_asked = HostKeys(unread="it is not part of this run")
    return {host.name: own_keys(asked[host.name]) if host.name in asked else not_asked for host in some.hosts}


def own_keys(host: Host) -> HostKeys:
    """Which keys the host has and serves. A host that does not answer has unread ones."""
    done, output = host.run_shell_command(for_any_shell(StringCommand(host_keys.COMMAND)))
    if not done:
        reason = (output.stderr.strip().splitlines() or ["it gave no reason"])[-1]
        return HostKeys(unread=f"its keys could not be read ({reason})")
    return parse_keys(output.stdout_lines, host_account.kept_here(mail_host(host).hostname))


def own_addresses(name: str, seen: Observed) -> Addresses:
    """What `ip` printed on the host of this name. Raises DeployError if it did not answer."""
    try:
        return host_addresses.parse_addresses(seen.addresses)
    except ValueError:
        raise DeployError(
            f"host {name}: its addresses could not be read, because `{host_addresses.COMMAND}` does not "
            "answer: install iproute (iproute2) on it, or set public_ipv4 and public_ipv6 in the inventory"
        ) from None


@step
def in_sync() -> Decision:
    """MX, A and AAAA lead to the hosts, and the zone's nameservers answer them."""
    if not _speaks_for_all(context.host):
        return _done_once()
    plans = _plans()
    if context.state.is_executing:
        # Otherwise the change itself says so.
        standing = [prepared for prepared in plans if prepared.in_sync]
        said = [prepared.plan.registrar for prepared in standing]
        said += [note for prepared in standing for note in (*prepared.dane.notes, *prepared.caa.notes)]
        for line in dict.fromkeys(filter(None, said)):
            logger.warning(f"{context.host.print_prefix}{line}")
    needed: list[Command] = [apply_command(prepared) for prepared in plans if not prepared.in_sync]
    if needed:
        needed += settle_commands(plans)
        needed.append(FunctionCommand(offer_proof, (), {}))
    return Decision(needed, "; ".join(prepared.summary for prepared in plans))


@step
def withdrawn() -> Decision:
    """No record of ours leads to the hosts of this run; those of the inventory's other hosts stay."""
    if not _speaks_for_all(context.host):
        return _done_once()
    whole = inventory()
    leaving = {each.name for each in context.state.inventory.get_active_hosts()}
    if not _has_token():
        return Decision((), "there is no token, so the records stay")
    staying = tuple(each for each in whole.hosts if each.name not in leaving)
    # A sender that has an MX of a host that goes finds its address for a while, fails there, and tries the
    # others. If no host stays, there is nobody else to try.
    forgetting = named_in_run(context.host, "forget_host") if staying else None
    plans = _planned(Inventory(staying, whole.domains), forgetting=forgetting)
    plans = [prepared.without_signing for prepared in plans]
    needed: list[Command] = [apply_command(prepared) for prepared in plans if prepared.changes]
    needed += settle_commands(plans)
    return Decision(needed, "no MX of ours leads to it")


def _has_token() -> bool:
    return bool(os.environ.get("CLOUDFLARE_API_TOKEN", "").strip())


def prepare_withdrawal() -> None:
    """Say which records stay, if there is no token to withdraw them with."""
    if _has_token() or not _speaks_for_all(context.host):
        return
    leaving = {each.name for each in context.state.inventory.get_active_hosts()}
    hosts = [each for each in inventory().hosts if each.name in leaving]
    names = [f"the MX of {each.name}" for each in inventory().domains]
    names += [f"A and AAAA of {each.hostname}" for each in hosts]
    logger.warning(
        f"{context.host.print_prefix}without CLOUDFLARE_API_TOKEN these records stay, and lead mail to a "
        f"host that takes none: {', '.join(names)}. Delete them at Cloudflare, or "
        "set the token and run this again"
    )


def _done_once() -> Decision:
    return Decision((), "DNS is changed once, for all hosts")
