"""A mail host, read from the data that pyinfra has of it. Pure."""

from __future__ import annotations

import ipaddress
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from dns.inventory import host_certificate, host_heartbeat, host_imap, host_spam_filter
from dns.inventory.hooks import reading as hooks
from dns.inventory.hooks.values import KEY as HOOKS
from dns.inventory.hooks.values import Hook
from dns.inventory.host_certificate import WantedCertificate
from dns.inventory.host_heartbeat import WantedHeartbeat
from dns.inventory.host_imap import WantedImap
from dns.inventory.host_spam_filter import SpamFilter
from dns.inventory.places import Problem
from dns.inventory.store.values import KEY as STORE
from dns.names import a_label, below, did_you_mean, is_documentation, why_unreachable

KEYS = (
    "hostname",
    "public_ipv4",
    "public_ipv6",
    "mx_preference",
    "workers",
    "log_headers",
    "checks",
    "firewalld",
    "firewalld_zones",
    "allow_private_address",
    "domains",
    STORE,
    *host_certificate.KEYS,
    host_spam_filter.KEY,
    host_heartbeat.KEY,
    HOOKS,
    *host_imap.KEYS,
)
BOTH = frozenset({4, 6})
SSH_KEYS = (
    "ssh_hostname",
    "ssh_port",
    "ssh_user",
    "ssh_password",
    "ssh_key",
    "ssh_key_password",
    "ssh_allow_agent",
    "ssh_look_for_keys",
    "ssh_forward_agent",
    "ssh_config_file",
    "ssh_known_hosts_file",
    "ssh_strict_host_key_checking",
    "ssh_paramiko_connect_kwargs",
    "ssh_connect_retries",
    "ssh_connect_retry_min_delay",
    "ssh_connect_retry_max_delay",
    "ssh_file_transfer_protocol",
)
"""What pyinfra reads about ssh (its `ConnectorData`)."""
# What pyinfra and its other connectors read begins so. Its global arguments begin with an underscore.
_OF_PYINFRA = ("_", "docker", "podman_", "chroot_", "vagrant_", "terraform_", "local_", "fake_")


@dataclass(frozen=True, slots=True)
class MailHost:
    """One host that takes mail.

    `name` is the name that ssh reaches it by. `hostname` is its name in MX records and in its greeting, in
    A-label form. `ipv4` and `ipv6` are None if the inventory leaves them to be read from the host, and also
    if `ip_versions` says that the host has no such address. `ssh` holds pyinfra's `ssh_*` data as given.
    """

    name: str
    hostname: str
    ipv4: str | None
    ipv6: str | None
    mx_preference: int = 10
    firewalld: str = "as-is"
    """`as-is` opens port 25 if firewalld runs or starts at boot. `running` also installs and starts it."""
    firewalld_zones: tuple[str, ...] = ()
    allow_private_address: bool = False
    workers: int = 1
    """How many processes share the receiver's work."""
    log_headers: bool = False
    """Whether the Subject, From and Date of each message are logged."""
    checks: bool = True
    """Whether it is checked who really sent a message (SPF, DKIM, DMARC and the reverse name)."""
    certificate: WantedCertificate | None = None
    """None if the host's certificate is self-signed."""
    spam_filter: SpamFilter | None = None
    heartbeat: WantedHeartbeat | None = None
    hooks: tuple[Hook, ...] = ()
    """Who is told of new mail."""
    imap: WantedImap | None = None
    """None if no mail client reads the mailboxes by `letterbox imap`."""
    ssh: Mapping[str, object] = field(default_factory=dict)
    ip_versions: frozenset[int] = BOTH
    """The IP versions over which the world reaches it: 4, 6 or both."""


def from_data(name: str, data: Mapping[str, object]) -> tuple[MailHost, list[Problem]]:
    """Return the host and every problem in its data. Use the host only if there is no problem.

    The text of a problem is one line, `thing: cause: fix`. The caller puts the name of the file before it.
    """
    problems: dict[str, list[str]] = defaultdict(list)  # by the key that each is about
    for key in data:
        if key not in KEYS and key not in SSH_KEYS and not str(key).startswith(_OF_PYINFRA):
            problems[str(key)].append(
                f"unknown key {key}{did_you_mean(str(key), (*KEYS, *SSH_KEYS))}: "
                f"the known keys are {', '.join(KEYS)}"
            )
    allow_private = _flag("allow_private_address", data, problems["allow_private_address"])
    host = MailHost(
        name=name,
        hostname=_hostname(name, data, problems["hostname"]),
        ipv4=_address(4, data, allow_private, problems["public_ipv4"]),
        ipv6=_address(6, data, allow_private, problems["public_ipv6"]),
        mx_preference=_number("mx_preference", data, 10, range(65536), problems["mx_preference"]),
        workers=_number("workers", data, 1, range(1, 65), problems["workers"]),
        log_headers=_flag("log_headers", data, problems["log_headers"]),
        checks=_flag("checks", data, problems["checks"], default=True),
        firewalld=_firewalld(data, problems["firewalld"]),
        firewalld_zones=_zones(data, problems["firewalld_zones"]),
        allow_private_address=allow_private,
        certificate=host_certificate.from_data(data, problems),
        spam_filter=host_spam_filter.from_data(data, problems[host_spam_filter.KEY]),
        heartbeat=host_heartbeat.from_data(data, problems[host_heartbeat.KEY]),
        hooks=hooks.from_data(data, problems[HOOKS]),
        imap=host_imap.from_data(data, problems),
        ssh={key: value for key, value in data.items() if str(key).startswith("ssh_")},
        ip_versions=_ip_versions(data, problems["public_ipv4"]),
    )
    _check_port(data.get("ssh_port"), problems["ssh_port"])
    return host, [
        Problem(f"host {name}: {text}", (name, key)) for key, texts in problems.items() for text in texts
    ]


def _hostname(name: str, data: Mapping[str, object], problems: list[str]) -> str:
    given = data.get("hostname")
    value = name if given is None else given
    if not isinstance(value, str):
        problems.append(f"hostname must be a string, not {value!r}")
        return name
    try:
        found = a_label(value)
        # Senders ask for DANE's record, which has these labels before the host's name (RFC 7672).
        below(found, "_25._tcp")
        return found
    except ValueError as error:
        if given is None:
            problems.append(f"its name {error}: add hostname, the full name that the world knows it by")
        else:
            problems.append(f"hostname {value!r} {error}: give a full name such as mx1.example.com")
        return value


def _address(
    version: int, data: Mapping[str, object], allow_private: bool, problems: list[str]
) -> str | None:
    key = f"public_ipv{version}"
    value = data.get(key)
    if value is None or value is False:
        return None
    try:
        if not isinstance(value, str):
            raise ValueError
        address = ipaddress.ip_address(value)
        if address.version != version or "%" in value:
            raise ValueError
    except ValueError:
        problems.append(
            f"{key} {value!r} is not an IPv{version} address: write it as a string, leave it out to have it "
            "read from the host, or set it to False if the host has none"
        )
        return None
    kind = why_unreachable(address)
    if kind and not allow_private:
        fix = "set the public one, or allow_private_address=True"
        if is_documentation(address):
            fix = "set the address of your host"
        problems.append(f"{key} {address} is {kind}, which the world cannot reach: {fix}")
    return str(address)


def _ip_versions(data: Mapping[str, object], problems: list[str]) -> frozenset[int]:
    """The IP versions whose address is not set to False."""
    found = frozenset(version for version in BOTH if data.get(f"public_ipv{version}") is not False)
    if not found:
        problems.append("public_ipv4 and public_ipv6 are both False: a mail host needs one of them")
    return found or BOTH


def _check_port(value: object, problems: list[str]) -> None:
    """Check `ssh_port`, which pyinfra uses, and which we use to read addresses over ssh."""
    text = str(value)
    if value is not None and not (text.isascii() and text.isdigit() and 1 <= int(text) <= 65535):
        problems.append(f"ssh_port must be a whole number from 1 to 65535, not {value!r}")


def _flag(key: str, data: Mapping[str, object], problems: list[str], *, default: bool = False) -> bool:
    value = data.get(key, default)
    if isinstance(value, bool):
        return value
    problems.append(f"{key} must be True or False, not {value!r}")
    return default


def _number(key: str, data: Mapping[str, object], default: int, allowed: range, problems: list[str]) -> int:
    value = data.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int) or value not in allowed:
        problems.append(f"{key} must be a whole number from {allowed[0]} to {allowed[-1]}, not {value!r}")
        return default
    return value


def _firewalld(data: Mapping[str, object], problems: list[str]) -> str:
    value = data.get("firewalld", "as-is")
    if value in ("as-is", "running"):
        return str(value)
    problems.append(f'firewalld must be "as-is" or "running", not {value!r}')
    return "as-is"


def _zones(data: Mapping[str, object], problems: list[str]) -> tuple[str, ...]:
    value = data.get("firewalld_zones", ())
    if not isinstance(value, list | tuple) or not all(isinstance(zone, str) and zone for zone in value):
        problems.append(f'firewalld_zones must be a list of names such as ["public"], not {value!r}')
        return ()
    return tuple(value)
