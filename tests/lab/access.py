"""How the machines of a lab are reached: keys, names and addresses on both sides, and the lab's inventory."""

from __future__ import annotations

import os
import shutil
import ssl
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import certifi

from tests.lab.cloudflare.authority import ROOT, ROOT_KEY, make_root
from tests.lab.errors import LabError
from tests.lab.machines.machine import Machine
from tests.lab.network import CONTROL, WORLD

if TYPE_CHECKING:
    from tests.lab.lab import Lab

DOMAIN = "example.test"
HOSTNAME = f"mx1.{DOMAIN}"


def common_files(lab: Lab, each: Machine, numbers: tuple[int, ...]) -> dict[str, tuple[bytes, int]]:
    commands = [f"ip {line}" for line in lab.network.commands(*numbers)]
    commands += [f"ip route replace default via {lab.network.address4(CONTROL)}"]
    commands += [f"ip -6 route replace default via {lab.network.address6(CONTROL)}"]
    # Without this a closed port answers once a second, so a test that looks at twenty ports takes twenty.
    commands += ["sysctl -q -w net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0"]
    hosts = f"127.0.0.1 localhost\n::1 localhost\n{each.ipv4} {each.hostname}\n{each.ipv6} {each.hostname}\n"
    public = lab.key.with_suffix(".pub").read_bytes()
    host_key = lab.folder / "ssh" / f"{each.name}_host_key"
    return {
        "etc/lab-network": (("set -e\n" + "\n".join(commands) + "\n").encode(), 0o644),
        "etc/hostname": (f"{each.hostname}\n".encode(), 0o644),
        "etc/hosts": (hosts.encode(), 0o644),
        "etc/ssh/ssh_host_ed25519_key": (host_key.read_bytes(), 0o600),
        "etc/ssh/ssh_host_ed25519_key.pub": (host_key.with_suffix(".pub").read_bytes(), 0o644),
        "root/.ssh/authorized_keys": (public, 0o600),
    }


def target_files(lab: Lab) -> dict[str, tuple[bytes, int]]:
    public = lab.key.with_suffix(".pub").read_bytes()
    return {
        "etc/resolv.conf": (f"nameserver {lab.network.address4(WORLD)}\n".encode(), 0o644),
        # sshd reads it as root, so its owner does not matter, as long as nobody else can write to it.
        "etc/ssh/authorized_keys.fedora": (public, 0o644),
    }


def edge_files(lab: Lab) -> dict[str, tuple[bytes, int]]:
    """The authority that the edge in the world issues its certificates with."""
    return {f"etc/lab-edge/{name}": ((lab.edge / name).read_bytes(), 0o644) for name in (ROOT, ROOT_KEY)}


def trust(lab: Lab, *roots: str) -> None:
    """Let the control machine trust these roots, in PEM, besides its own and that of the edge."""
    named = os.environ.get("SSL_CERT_FILE") or ssl.get_default_verify_paths().cafile or certifi.where()
    own = Path(named).read_text()
    lab.trusted.write_text("\n".join([own, (lab.edge / ROOT).read_text(), *roots]))


def write_access(lab: Lab) -> None:
    """Write keys, the edge's authority, ssh_config, inventory and environment, before the machines exist."""
    keys = lab.folder / "ssh"
    shutil.rmtree(keys, ignore_errors=True)
    keys.mkdir(parents=True, mode=0o700)
    for path in (lab.key, *(keys / f"{each.name}_host_key" for each in lab.machines)):
        made = subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "letterbox lab", "-f", str(path)],
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode != 0:
            raise LabError(f"ssh-keygen: {made.stderr.strip()}")
    known = []
    for each in lab.machines:
        public = (keys / f"{each.name}_host_key.pub").read_text().strip()
        known.append(f"{each.ipv4},{each.ipv6},{each.name},{each.hostname} {public}\n")
    (keys / "known_hosts").write_text("".join(known))
    shutil.rmtree(lab.edge, ignore_errors=True)
    lab.edge.mkdir()
    make_root(lab.edge)
    trust(lab)
    lab.ssh_config.write_text(_ssh_config(lab))
    lab.inventory.write_text(_inventory(lab))
    (lab.folder / "env").write_text("".join(f"{key}={value}\n" for key, value in lab.environment.items()))


def _ssh_config(lab: Lab) -> str:
    control = lab.folder / "ssh" / "%n-%r.control"
    if len(str(control)) > 80:  # a Unix socket's path has at most 108 octets, and ssh adds a suffix
        control = Path("/run") / f"{lab.network.name}-%n-%r.control"
    hosts = "".join(f"Host {each.name} {each.hostname}\n    HostName {each.ipv4}\n" for each in lab.targets)
    return f"""\
{hosts}Host world
    HostName {lab.world.ipv4}
Host *
    User root
    IdentityFile "{lab.key}"
    IdentitiesOnly yes
    UserKnownHostsFile "{lab.folder / "ssh" / "known_hosts"}"
    GlobalKnownHostsFile /dev/null
    StrictHostKeyChecking yes
    BatchMode yes
    LogLevel ERROR
    ConnectTimeout 5
    ServerAliveInterval 10
    ControlMaster auto
    ControlPath "{control}"
    ControlPersist 120
"""


def _inventory(lab: Lab) -> str:
    hosts = "".join(_host(lab, each, 10 * number) for number, each in enumerate(lab.targets, 1))
    return f'''\
"""The lab's inventory: throwaway machines, in the place of real hosts."""

mail_hosts = (
    [
{hosts}    ],
    {{
        "domains": {{
            "{DOMAIN}": {{
                "mailboxes": ["alice", "bob"],
                "aliases": {{"postmaster": ["alice"]}},
                "catch_all": None,
            }},
        }},
    }},
)
'''


def _host(lab: Lab, each: Machine, preference: int) -> str:
    return f'''\
        (
            "{each.hostname}",
            {{
                "ssh_user": "root",
                "ssh_hostname": "{each.ipv4}",
                "ssh_config_file": "{lab.ssh_config}",
                "ssh_key": "{lab.key}",
                "ssh_known_hosts_file": "{lab.folder / "ssh" / "known_hosts"}",
                "ssh_strict_host_key_checking": "yes",
                "public_ipv4": "{each.ipv4}",
                "public_ipv6": "{each.ipv6}",
                "allow_private_address": True,
                "mx_preference": {preference},
            }},
        ),
'''
