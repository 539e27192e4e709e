"""DNS as the last step of a deploy: once for all hosts, and only when they are ready to receive.

The zones are looked at before any host is touched, so that a missing token or a record that stands in the
way stops the run while nothing is half done. They are changed after the last host is ready. A host that has
failed on the way gets no record that it does not have already, and loses none.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from pyinfra import context, logger
from pyinfra.api.command import FunctionCommand
from pyinfra.api.exceptions import DeployError
from pyinfra.api.host import Host
from pyinfra.api.state import State

from dns import sync
from dns.inventory import Inventory, host_addresses
from dns.inventory.host_addresses import Addresses
from dns.sync import Prepared, SyncError
from dns.world.nameservers import Server
from dns.world.progress import Progress
from provision.host.observed import Observed
from provision.inventory import inventory, named_in_run
from provision.step import Command, Decision, after_prompt, observe, step


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
    for remark in dict.fromkeys(remark for prepared in plans for remark in prepared.remarks):
        logger.warning(f"{context.host.print_prefix}{remark}")
    blocked = [prepared.blocked for prepared in plans if prepared.plan.obstacles]
    if blocked:
        raise DeployError("\n".join(blocked))
    for prepared in plans:
        if prepared.changes:
            try:
                sync.nameservers_to_ask(prepared)
            except SyncError as error:
                raise DeployError(f"{prepared.domain.name}: nothing was changed: {error}{_HINT}") from None


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


def _planned(some: Inventory, forgetting: Collection[str] | None) -> list[Prepared]:
    """A plan for each domain, as if these were all the hosts. `forgetting` is that of `sync.prepare`.

    Raises DeployError.
    """
    try:
        return [
            sync.prepare(some, domain.name, _addresses(some), forgetting=forgetting)
            for domain in some.domains
        ]
    except SyncError as error:
        raise DeployError(str(error)) from None


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
    needed: list[Command] = [_apply_command(prepared) for prepared in plans if not prepared.in_sync]
    if needed:
        needed.append(FunctionCommand(_offer_proof, (), {}))
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
    plans = _planned(Inventory(staying, whole.domains), forgetting=None)
    needed = [_apply_command(prepared) for prepared in plans if prepared.changes]
    return Decision(needed, "none of our records is left")


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


def _apply_command(prepared: Prepared) -> FunctionCommand:
    return FunctionCommand(_apply, (prepared,), {})


def _offer_proof(state: State, host: Host) -> bool:
    """Tell the user that the DNS leads to the hosts now, so that a first mail can prove the whole way."""
    logger.info(f"{host.print_prefix}prove it with a first mail: make proof (python -m first_mail.proof)")
    return True


def _apply(state: State, host: Host, prepared: Prepared) -> bool:
    """Make the changes, and wait until they are answered. False, with the reason shown, if that fails."""
    for line in str(prepared).splitlines():
        logger.info(f"{host.print_prefix}{line}")
    try:
        servers = sync.nameservers_to_ask(prepared)
        sync.apply(prepared)
        with sync.changed_but(prepared.domain.name):
            seconds = sync.wait_until_served(prepared, servers=servers, on_progress=AnsweringLines(host))
    except SyncError as error:
        host.log_styled(str(error), fg="red", log_func=logger.error)
        return False
    logger.info(
        f"{host.print_prefix}{prepared.domain.name}: answered by all its nameservers ({seconds:.1f} s)"
    )
    return True


class AnsweringLines:
    """A line for each nameserver, as soon as it answers what was changed."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._done: set[Server] = set()

    def __call__(self, known: Mapping[Server, Progress]) -> None:
        for server, progress in known.items():
            if progress.done and server not in self._done:
                self._done.add(server)
                logger.info(f"{self._host.print_prefix}{server.name} ({server.address}) answers")
