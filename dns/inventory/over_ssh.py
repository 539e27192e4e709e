"""Reading the addresses of a mail host from it, with the system's OpenSSH client."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from dns.errors import HostUnreadable
from dns.inventory import host_shell
from dns.inventory.host_addresses import COMMAND, Addresses, is_complete, parse_addresses
from dns.inventory.mail_host import MailHost

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
    import subprocess  # late: most inventories give all addresses

    arguments = ssh_arguments(host.name, host.ssh)
    try:
        done = subprocess.run(
            [*arguments, host_shell.through_any_shell(COMMAND)],
            capture_output=True,
            text=True,
            timeout=CONNECT_SECONDS * 3,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        if done.returncode == 0:
            return parse_addresses(host_shell.answer(done.stdout))
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
        f"host {host.name}: its addresses could not be read over ssh ({reason}): make sure that ssh reaches "
        "it, or set public_ipv4 and public_ipv6 in the inventory (False for one that it does not have)"
    )


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
        arguments += ["-o", f"UserKnownHostsFile={ssh['ssh_known_hosts_file']}"]
    if ssh.get("ssh_strict_host_key_checking"):
        arguments += ["-o", f"StrictHostKeyChecking={ssh['ssh_strict_host_key_checking']}"]
    # After "--" ssh takes no name for an option.
    return [*arguments, "--", str(ssh.get("ssh_hostname") or name)]
