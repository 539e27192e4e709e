"""A mail host's addresses: the inventory's, and for what it leaves out the host's own.

They are read with the system's OpenSSH client from ``ip -json address`` (iproute2); temporary
(RFC 8981), deprecated and tentative ones are passed over, and those that the world cannot reach.
"""

import ipaddress
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dns.errors import HostUnreadable
from dns.inventory.mail_host import MailHost
from dns.names import unreachable

COMMAND = "ip -json address show scope global"
CONNECT_SECONDS = 10
_PASSED_OVER = ("temporary", "deprecated", "tentative", "dadfailed")


@dataclass(frozen=True, slots=True)
class Addresses:
    """A host's addresses in canonical form, each family sorted."""

    ipv4: tuple[str, ...] = ()
    ipv6: tuple[str, ...] = ()


def parse(output: str) -> Addresses:
    """What ``ip -json address`` printed. Raises ValueError for anything else."""
    found: dict[int, set[ipaddress.IPv4Address | ipaddress.IPv6Address]] = {4: set(), 6: set()}
    links = json.loads(output)
    if not isinstance(links, list) or not all(isinstance(link, dict) for link in links):
        raise ValueError("not a list of interfaces")
    for link in links:
        entries = link.get("addr_info") or []
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise ValueError("an interface whose addresses are no list")
        for entry in entries:
            if entry.get("scope") == "global" and not any(entry.get(flag) for flag in _PASSED_OVER):
                address = ipaddress.ip_address(str(entry.get("local")))
                found[address.version].add(address)
    return Addresses(
        ipv4=tuple(str(address) for address in sorted(found[4], key=int)),
        ipv6=tuple(str(address) for address in sorted(found[6], key=int)),
    )


def published(host: MailHost, own: Addresses | None) -> Addresses:
    """What is to be published for the host: the inventory's addresses, else those it has itself.

    Of an IP version that the inventory says it has not, that is none. ``own`` is None where nothing was
    read from it. Raises HostUnreadable where nothing is left.
    """
    read = own or Addresses()
    both = Addresses(
        ipv4=_of_version(4, host, host.ipv4, read.ipv4),
        ipv6=_of_version(6, host, host.ipv6, read.ipv6),
    )
    if not (both.ipv4 or both.ipv6):
        has = ", ".join((*read.ipv4, *read.ipv6)) or "none"
        raise HostUnreadable(
            f"host {host.name}: has no public address (its own: {has}): set {_keys(host)} in the inventory"
        )
    return both


def _of_version(version: int, host: MailHost, said: str | None, own: tuple[str, ...]) -> tuple[str, ...]:
    if version not in host.ip_versions:
        return ()
    return (said,) if said else _reachable(host, own)


def _keys(host: MailHost) -> str:
    """The keys of the inventory that say an address of the host."""
    return " or ".join(f"public_ipv{version}" for version in sorted(host.ip_versions))


def known(host: MailHost, own: Addresses | None) -> Addresses | None:
    """What is to be published for the host; None where that is not known."""
    if own is None and not is_complete(host):
        return None
    try:
        return published(host, own)
    except HostUnreadable:
        return None


def inventorys(host: MailHost, version: int) -> frozenset[str] | None:
    """The host's addresses of this IP version as far as the inventory says them; None where it does not."""
    if version not in host.ip_versions:
        return frozenset()
    said = host.ipv4 if version == 4 else host.ipv6
    return frozenset({said}) if said else None


def _reachable(host: MailHost, addresses: tuple[str, ...]) -> tuple[str, ...]:
    if host.allow_private_address:
        return addresses
    return tuple(text for text in addresses if unreachable(ipaddress.ip_address(text)) is None)


def is_complete(host: MailHost) -> bool:
    """Whether the inventory says all that there is of the host's addresses, so that it need not be asked."""
    said = {4: host.ipv4, 6: host.ipv6}
    return all(said[version] is not None for version in host.ip_versions)


def read_over_ssh(host: MailHost) -> Addresses:
    """The host's own global addresses. Raises HostUnreadable, with ssh's own reason."""
    import subprocess  # late: mostly the inventory says them

    arguments = ssh_arguments(host.name, host.ssh)
    try:
        done = subprocess.run(
            [*arguments, COMMAND],
            capture_output=True,
            text=True,
            timeout=CONNECT_SECONDS * 3,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        if done.returncode == 0:
            return parse(done.stdout)
        lines = done.stderr.strip().splitlines()
        reason = lines[-1].strip() if lines else f"exit code {done.returncode}"
    except FileNotFoundError:
        reason = "there is no ssh on this machine"
    except OSError as error:
        reason = f"ssh cannot be run: {error.strerror}"
    except subprocess.TimeoutExpired:
        reason = f"no answer in {CONNECT_SECONDS * 3} s"
    except ValueError as error:
        reason = f"`{COMMAND}` answered {error}"
    raise HostUnreadable(
        f"host {host.name}: its addresses could not be read over ssh ({reason}): "
        "see that it can be reached, or set public_ipv4 and public_ipv6 in the inventory, to False where it "
        "has none"
    )


def ssh_arguments(name: str, ssh: Mapping[str, object]) -> list[str]:
    """The ssh command for a host, from pyinfra's ``ssh_*`` data. It never asks for anything."""
    arguments = ["ssh", "-o", "BatchMode=yes", "-o", f"ConnectTimeout={CONNECT_SECONDS}"]
    for key, option in (
        ("ssh_config_file", "-F"),
        ("ssh_user", "-l"),
        ("ssh_port", "-p"),
        ("ssh_key", "-i"),
    ):
        if ssh.get(key):
            arguments += [option, str(Path(str(ssh[key])).expanduser())]
    if ssh.get("ssh_known_hosts_file"):
        arguments += ["-o", f"UserKnownHostsFile={ssh['ssh_known_hosts_file']}"]
    if ssh.get("ssh_strict_host_key_checking"):
        arguments += ["-o", f"StrictHostKeyChecking={ssh['ssh_strict_host_key_checking']}"]
    # "--" so that a name can never be read as an option.
    return [*arguments, "--", str(ssh.get("ssh_hostname") or name)]
