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
from dns.mail_host import MailHost
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
    if not isinstance(links, list):
        raise ValueError("not a list of interfaces")
    for link in links:
        for entry in link.get("addr_info", ()) if isinstance(link, dict) else ():
            if entry.get("scope") == "global" and not any(entry.get(flag) for flag in _PASSED_OVER):
                address = ipaddress.ip_address(entry["local"])
                found[address.version].add(address)
    return Addresses(
        ipv4=tuple(str(address) for address in sorted(found[4], key=int)),
        ipv6=tuple(str(address) for address in sorted(found[6], key=int)),
    )


def published(host: MailHost, own: Addresses | None) -> Addresses:
    """What is to be published for the host: the inventory's addresses, else those it has itself.

    ``own`` is None where nothing was read from it. Raises HostUnreadable where nothing is left.
    """
    read = own or Addresses()
    both = Addresses(
        ipv4=(host.ipv4,) if host.ipv4 else _reachable(host, read.ipv4),
        ipv6=(host.ipv6,) if host.ipv6 else _reachable(host, read.ipv6),
    )
    if not (both.ipv4 or both.ipv6):
        has = ", ".join((*read.ipv4, *read.ipv6)) or "none"
        raise HostUnreadable(
            f"host {host.name}: has no public address (its own: {has}): set public_ipv4 in the inventory"
        )
    return both


def known(host: MailHost, own: Addresses | None) -> Addresses | None:
    """What is to be published for the host; None where that is not known."""
    if own is None and (host.ipv4 is None or host.ipv6 is None):
        return None
    try:
        return published(host, own)
    except HostUnreadable:
        return None


def _reachable(host: MailHost, addresses: tuple[str, ...]) -> tuple[str, ...]:
    if host.allow_private_address:
        return addresses
    return tuple(text for text in addresses if unreachable(ipaddress.ip_address(text)) is None)


def is_complete(host: MailHost) -> bool:
    """Whether the inventory names both of the host's addresses, so that it need not be asked."""
    return host.ipv4 is not None and host.ipv6 is not None


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
    except subprocess.TimeoutExpired:
        reason = f"no answer in {CONNECT_SECONDS * 3} s"
    except ValueError as error:
        reason = f"`{COMMAND}` answered {error}"
    raise HostUnreadable(
        f"host {host.name}: its addresses could not be read over ssh ({reason}): "
        "see that it can be reached, or set public_ipv4 and public_ipv6 in the inventory"
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
