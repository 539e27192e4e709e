"""What the plans of the zones need to know of the hosts, asked through the connections that the run has."""

from __future__ import annotations

from collections.abc import Mapping

from pyinfra import context
from pyinfra.api.command import StringCommand
from pyinfra.api.exceptions import DeployError
from pyinfra.api.host import Host

from dns.inventory import Inventory, host_account, host_addresses, host_keys
from dns.inventory.host_addresses import Addresses
from dns.inventory.host_keys import HostKeys, parse_keys
from provision.host.observed import Observed
from provision.run.inventory import mail_host
from provision.run.step import for_any_shell, observe


def addresses_of(some: Inventory) -> Mapping[str, Addresses]:
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


def are_needed(some: Inventory) -> bool:
    """Whether what is published for a domain depends on the keys of its hosts."""
    return any(domain.dane or domain.caa_at_hosts or domain.mta_sts == "enforce" for domain in some.domains)


def keys_of(some: Inventory) -> Mapping[str, HostKeys]:
    """What the hosts of this run answer about their keys, if a domain depends on them."""
    if not are_needed(some):
        return {}
    asked = {host.name: host for host in context.state.inventory.get_active_hosts()}
    not_asked = HostKeys(unread="it is not part of this run")
    return {host.name: own_keys(asked[host.name]) if host.name in asked else not_asked for host in some.hosts}


def own_keys(host: Host) -> HostKeys:
    """Which keys the host has, what it serves, and with which account its certificate is renewed.

    `unread` says why it could not be read.
    """
    done, output = host.run_shell_command(for_any_shell(StringCommand(host_keys.COMMAND)))
    if not done:
        reason = (output.stderr.strip().splitlines() or ["it gave no reason"])[-1]
        return HostKeys(unread=f"its keys could not be read ({reason})")
    return parse_keys(output.stdout_lines, host_account.kept_here(mail_host(host).hostname))
