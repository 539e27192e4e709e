"""Reaching the inventory's hosts from tests: one ssh connection each, kept open for all checks."""

import tempfile
from functools import cache
from pathlib import Path
from urllib.parse import urlencode

import testinfra
from testinfra.host import Host

from dns.inventory import MailHost

_SOCKETS = Path(tempfile.mkdtemp(prefix="lbx-"))


@cache
def _connection(uri: str) -> Host:
    return testinfra.get_host(uri)


def over_ssh(host: MailHost) -> Host:
    """The host as testinfra sees it, with pyinfra's ssh settings; as root, through sudo where need be."""
    said = {key: str(value) for key, value in host.ssh.items()}
    user = said.get("ssh_user", "")
    port = said.get("ssh_port", "")
    extra = ["-o BatchMode=yes"]
    if "ssh_hostname" in said:
        extra.append(f"-o HostName={said['ssh_hostname']}")
    if "ssh_known_hosts_file" in said:
        extra.append(f"-o UserKnownHostsFile={said['ssh_known_hosts_file']}")
    options = {
        "controlpath": str(_SOCKETS / "%C"),
        "ssh_extra_args": " ".join(extra),
        **({"ssh_config": said["ssh_config_file"]} if "ssh_config_file" in said else {}),
        **({"ssh_identity_file": said["ssh_key"]} if "ssh_key" in said else {}),
        **({"sudo": "true"} if user not in ("", "root") else {}),
    }
    name = f"{user}@{host.name}" if user else host.name
    return _connection(f"ssh://{name}{':' + port if port else ''}?{urlencode(options)}")
