"""Reading a mail host's addresses, keys and TLS reports from it, with the system's OpenSSH client."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dns.errors import HostUnreadable
from dns.inventory import host_account, host_keys, host_shell
from dns.inventory.host_addresses import COMMAND, Addresses, is_complete, parse_addresses
from dns.inventory.host_keys import HostKeys, parse_keys
from dns.inventory.mail_host import MailHost

if TYPE_CHECKING:
    from dns.inventory.host_reports import HostReports

CONNECT_SECONDS = 10


def read_missing(hosts: Iterable[MailHost]) -> tuple[dict[str, Addresses], tuple[str, ...]]:
    """Read the addresses of each host for which the inventory leaves one out.

    Returns them by `MailHost.name`, and the reason for each host that could not be read.
    """
    own: dict[str, Addresses] = {}
    unread: list[str] = []
    for host in hosts:
        if not is_complete(host):
            try:
                own[host.name] = read(host)
            except HostUnreadable as error:
                unread.append(str(error))
    return own, tuple(unread)


def read(host: MailHost) -> Addresses:
    """Read the host's own global addresses. Raises HostUnreadable with the reason that ssh gives."""
    try:
        return parse_addresses(_run(host, COMMAND))
    except ValueError as error:
        reason = str(error) if isinstance(error, _NoAnswer) else f"`{COMMAND}` answered {error}"
    raise HostUnreadable(
        f"host {host.name}: its addresses could not be read over ssh ({reason}): make sure that ssh reaches "
        "it, or set public_ipv4 and public_ipv6 in the inventory (False for one that it does not have)"
    )


def read_keys(host: MailHost) -> HostKeys:
    """Read which keys the host has, what it serves, and with which account its certificate is renewed.

    Never raises: `unread` says why it could not be read.
    """
    try:
        lines = _run(host, host_keys.COMMAND).splitlines()
        return parse_keys(lines, host_account.kept_here(host.hostname))
    except _NoAnswer as error:
        return HostKeys(unread=f"its keys could not be read over ssh ({error})")


def read_all_keys(hosts: Sequence[MailHost]) -> dict[str, HostKeys]:
    """The same for several hosts, all asked at once, by `MailHost.name`."""
    from concurrent.futures import ThreadPoolExecutor  # late: a plain domain needs none of it

    with ThreadPoolExecutor(16) as pool:
        return dict(zip((host.name for host in hosts), pool.map(read_keys, hosts), strict=True))


def read_reports(host: MailHost, domain: str) -> HostReports:
    """Read what senders report of TLS to the domain. Never raises: `unread` says why it could not be read."""
    from dns.inventory import host_reports  # late: a plain domain needs none of it

    try:
        return host_reports.parse_reports(_run(host, host_reports.command(domain)))
    except _NoAnswer as error:
        return host_reports.HostReports(unread=f"they could not be read over ssh ({error})")


def read_all_reports(hosts: Sequence[MailHost], domain: str) -> dict[str, HostReports]:
    """The same for several hosts, all asked at once, by `MailHost.name`."""
    from concurrent.futures import ThreadPoolExecutor  # late: a plain domain needs none of it

    with ThreadPoolExecutor(16) as pool:
        found = pool.map(lambda host: read_reports(host, domain), hosts)
        return dict(zip((host.name for host in hosts), found, strict=True))


class _NoAnswer(ValueError):
    """The host printed nothing that could be used. The text says why."""


def _run(host: MailHost, command: str) -> str:
    """What the command prints on the host. Raises _NoAnswer."""
    import subprocess  # late: most inventories give all addresses

    try:
        done = subprocess.run(
            [*ssh_arguments(host.name, host.ssh), host_shell.through_any_shell(command)],
            capture_output=True,
            text=True,
            timeout=CONNECT_SECONDS * 3,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except FileNotFoundError:
        raise _NoAnswer("there is no ssh on this machine") from None
    except OSError as error:
        raise _NoAnswer(f"ssh cannot be run: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise _NoAnswer(f"no answer in {CONNECT_SECONDS * 3} s") from None
    except UnicodeDecodeError as error:
        raise _NoAnswer(f"it answered {error}") from None
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines()
        raise _NoAnswer(lines[-1].strip() if lines else f"exit code {done.returncode}")
    try:
        return host_shell.answer(done.stdout)
    except ValueError as error:
        raise _NoAnswer(str(error)) from None


def ssh_arguments(name: str, ssh: Mapping[str, object]) -> list[str]:
    """The ssh command for a host, from pyinfra's `ssh_*` data. ssh never waits for an answer of the user."""
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
        # ssh takes several files here, so a space in a name that is not quoted would end it.
        arguments += ["-o", f'UserKnownHostsFile="{ssh["ssh_known_hosts_file"]}"']
    if ssh.get("ssh_strict_host_key_checking"):
        arguments += ["-o", f"StrictHostKeyChecking={ssh['ssh_strict_host_key_checking']}"]
    # After "--" ssh takes no name for an option.
    return [*arguments, "--", str(ssh.get("ssh_hostname") or name)]
