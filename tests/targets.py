"""How tests reach the inventory's hosts: one ssh connection each, kept open for all checks."""

from __future__ import annotations

import shlex
import tempfile
from pathlib import Path

import testinfra
from testinfra.host import Host

from dns.inventory import MailHost

_SOCKETS = Path(tempfile.mkdtemp(prefix="lbx-"))
_connections: dict[str, Host] = {}


def over_ssh(host: MailHost) -> Host:
    """The host as testinfra sees it, with pyinfra's ssh settings, as root (through sudo if needed)."""
    if host.name not in _connections:
        _connections[host.name] = _connect(host)
    return _connections[host.name]


def _connect(host: MailHost) -> Host:
    said = {key: str(value) for key, value in host.ssh.items()}
    user, port = said.get("ssh_user", ""), said.get("ssh_port", "")
    extra = ["-o BatchMode=yes"]
    if "ssh_hostname" in said:
        extra.append(f"-o HostName={said['ssh_hostname']}")
    if "ssh_known_hosts_file" in said:
        extra.append("-o " + shlex.quote(f'UserKnownHostsFile="{said["ssh_known_hosts_file"]}"'))
    return testinfra.get_host(
        f"ssh://{user + '@' if user else ''}{host.name}{':' + port if port else ''}",
        sudo=user not in ("", "root"),
        ssh_config=said.get("ssh_config_file"),
        ssh_identity_file=said.get("ssh_key"),
        ssh_extra_args=" ".join(extra),
        controlpath=str(_SOCKETS / str(len(_connections))),
    )
