"""DNS as the last step of a deploy: once for all hosts, and only when they are ready to receive.

The zones are looked at before any host is touched, so that a missing token or a record that stands in the
way stops the run while nothing is half done. They are changed after the last host is ready; a host that
failed on the way gets no record it has not got already, and loses none.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from pyinfra import context, logger
from pyinfra.api.command import FunctionCommand
from pyinfra.api.exceptions import DeployError
from pyinfra.api.host import Host
from pyinfra.api.operation import operation
from pyinfra.api.state import State

from dns import host_addresses, sync
from dns.host_addresses import Addresses
from dns.inventory import Inventory
from dns.served import Progress, Server
from dns.sync import Prepared, SyncError
from provision.desired.state import inventory, told
from provision.host.observed import Observed
from provision.step import Commands, Moment, moment, observe, refuse


@dataclass(frozen=True, slots=True)
class _Looked:
    """The zones as they were at one moment of the run, and for which hosts they were planned."""

    at: Moment
    hosts: tuple[str, ...]
    plans: tuple[Prepared, ...]


_looked: _Looked | None = None
_HINT = " (for a deploy that is LETTERBOX_RESOLVER)"


def prepare() -> None:
    """Look at the zones of all domains, before anything is touched.

    Raises:
        DeployError: they cannot be read or changed as they are; one line with the mend.
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
    """Whether this host is the one whose turn stands for the whole run."""
    ready = context.state.inventory.get_active_hosts()
    return bool(ready) and host.name == ready[0].name


def _plans() -> tuple[Prepared, ...]:
    """The plan for each domain, for the hosts that have not failed; read once, and again after a wait."""
    global _looked
    whole = inventory()
    active = {host.name for host in context.state.inventory.get_active_hosts()}
    ready = tuple(host for host in whole.hosts if host.name in active)
    names = tuple(host.name for host in ready)
    if _looked is None or (_looked.at, _looked.hosts) != (moment(), names):
        if len(ready) == len(whole.hosts):
            plans = _planned(whole, forgetting=told(context.host, "forget_host"))
        else:
            # Some hosts are not seen: nothing is deleted, so no name can go.
            plans = _planned(Inventory(ready, whole.domains), forgetting=None)
            plans = [replace(made, plan=made.plan.without_deletes()) for made in plans]
        _looked = _Looked(moment(), names, tuple(plans))
    return _looked.plans


def _planned(some: Inventory, forgetting: Collection[str] | None) -> list[Prepared]:
    """A plan for each domain, were these all its hosts. `forgetting` as in `sync.prepare`.

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
    """The hosts' own addresses, where the inventory leaves one out. Raises DeployError."""
    hosts = {host.name: host for host in context.state.inventory}
    return {
        host.name: own_addresses(host.name, observe(hosts[host.name]))
        for host in some.hosts
        if not host_addresses.is_complete(host)
    }


def own_addresses(name: str, seen: Observed) -> Addresses:
    """What `ip` said on the host of this name. Raises DeployError where it did not answer."""
    try:
        return host_addresses.parse(seen.addresses)
    except ValueError:
        raise DeployError(
            f"host {name}: its addresses could not be read (`{host_addresses.COMMAND}` does not answer): "
            "install iproute (iproute2) on it, or set public_ipv4 and public_ipv6 in the inventory"
        ) from None


@operation()
def in_sync() -> Commands:
    """MX, A and AAAA say where the hosts are, and the zone's nameservers answer so."""
    host = context.host
    if not _speaks_for_all(host):
        host.noop("DNS is changed once, for all hosts")
        return
    try:
        plans = _plans()
    except DeployError as error:
        yield from refuse(str(error))
        return
    differing = [prepared for prepared in plans if not prepared.in_sync]
    if not differing:
        host.noop("; ".join(prepared.summary for prepared in plans))
        return
    for prepared in differing:
        yield FunctionCommand(_apply, (prepared,), {})
    yield FunctionCommand(_offer_proof, (), {})


@operation()
def withdrawn() -> Commands:
    """No record of ours leads to the hosts of this run; those of the inventory's other hosts stay."""
    host = context.host
    if not _speaks_for_all(host):
        host.noop("DNS is changed once, for all hosts")
        return
    whole = inventory()
    leaving = {each.name for each in context.state.inventory.get_active_hosts()}
    staying = tuple(each for each in whole.hosts if each.name not in leaving)
    try:
        plans = _planned(Inventory(staying, whole.domains), forgetting=None)
    except DeployError as error:
        yield from refuse(str(error))
        return
    for prepared in plans:
        if prepared.changes:
            yield FunctionCommand(_apply, (prepared,), {})
    if not any(prepared.changes for prepared in plans):
        host.noop("no record of ours is left")


def _offer_proof(state: State, host: Host) -> bool:
    """The DNS has just come to lead to the hosts: a first mail can prove the whole way."""
    logger.info(f"{host.print_prefix}prove it with a first mail: python -m first_mail.proof (or make proof)")
    return True


def _apply(state: State, host: Host, prepared: Prepared) -> bool:
    """Make the changes and wait until they are answered; False, with the reason shown, where that fails."""
    for line in str(prepared).splitlines():
        logger.info(f"{host.print_prefix}{line}")
    try:
        servers = sync.nameservers_to_ask(prepared)
        sync.apply(prepared)
        with sync.changed_but(prepared.domain.name):
            seconds = sync.wait_until_served(prepared, servers=servers, show=_Lines(host))
    except SyncError as error:
        host.log_styled(str(error), fg="red", log_func=logger.error)
        return False
    logger.info(
        f"{host.print_prefix}{prepared.domain.name}: answered by all its nameservers ({seconds:.1f} s)"
    )
    return True


class _Lines:
    """How far the nameservers are, a line each as it begins to answer."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._done: set[Server] = set()

    def __call__(self, known: Mapping[Server, Progress]) -> None:
        for server, progress in known.items():
            if progress.done and server not in self._done:
                self._done.add(server)
                logger.info(f"{self._host.print_prefix}{server.name} ({server.address}) answers")
