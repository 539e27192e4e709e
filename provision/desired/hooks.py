"""The unit of each hook, and its configuration, as the inventory wants them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tomli_w

from dns.inventory import Domain
from dns.inventory.hooks.values import Hook
from provision.host import layout

_UNIT = Path(__file__).resolve().parents[2] / "files" / "letterbox-hook.service"
MAX_RAW = 262_144
"""How many octets of a raw message the JSON may carry."""
SECRET, BASIC = "secret", "basic"
KINDS = (SECRET, BASIC)
"""What a URL needs that must not be seen: the key that signs, and `user:password` if it wants that."""

_STRICT = ("ProtectSystem=strict", "ProtectHome=yes", "ProcSubset=pid")
# It asks nameservers, and tells the target. What cloud providers serve at link-local addresses is not for it.
_URL = (
    "DynamicUser=yes",
    *_STRICT,
    "UMask=0077",
    "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX",
    "IPAddressDeny=link-local multicast",
    "MemoryDenyWriteExecute=yes",
    "MemoryMax=512M",
    "TasksMax=64",
)
# Many languages write the code that they run, so a command may.
_COMMAND = (
    "UMask=0022",
    "PrivateNetwork=yes",
    "RestrictAddressFamilies=AF_UNIX",
    "IPAddressDeny=any",
    "MemoryMax=1G",
    "TasksMax=256",
)


@dataclass(frozen=True, slots=True)
class WantedHook:
    """What a host should have of one hook."""

    name: str
    unit: str
    config: str
    """The texts of its unit and of its configuration."""
    secrets: Mapping[str, str | None] = field(default_factory=dict)
    """The secrets that it needs, by kind. None if the host keeps its own, or gets a new one."""


@dataclass(frozen=True, slots=True)
class WantedHooks:
    """What a host with hooks should have. `program` is the digest of the release."""

    program: str
    hooks: tuple[WantedHook, ...]


def wanted_hook(hook: Hook, secrets: Mapping[str, str | None], domains: Iterable[Domain]) -> WantedHook:
    """What a host should have of a hook. `secrets` has those of a URL, and is empty for a command.

    `domains` are those of the inventory.
    """
    own = "\n".join(_own(hook, secrets))
    unit = _UNIT.read_text().replace("@NAME@", hook.name).replace("@OWN@", own)
    if hook.command:
        network = ("After=network-online.target\n", "Wants=network-online.target\n")
        for line in network:
            unit = unit.replace(line, "")
    return WantedHook(hook.name, unit, config_toml(hook, domains), secrets)


def config_toml(hook: Hook, domains: Iterable[Domain]) -> str:
    """The hook's own file. It names all mailboxes that the hook gets, also those of its domains."""
    told: dict[str, Any] = {"command": list(hook.command)}
    if not hook.command:
        told = {"url": hook.url, "form": hook.form, "allow_private": hook.allow_private, "max_raw": MAX_RAW}
    of_domains = (
        f"{name}@{domain.name}"
        for domain in domains
        if domain.name in hook.domains
        for name in domain.mailboxes
    )
    return tomli_w.dumps({**told, "mailboxes": sorted({*hook.mailboxes, *of_domains})})


def _own(hook: Hook, secrets: Iterable[str]) -> Iterator[str]:
    """The lines of the unit that depend on the hook."""
    if hook.url:
        yield from _URL
        for kind in secrets:
            yield f"LoadCredentialEncrypted={kind}:{layout.HOOKS_FOLDER}/{hook.name}.{kind}"
        return
    yield from _COMMAND
    if hook.user:
        # The inventory names the user so that the command may do what this user may.
        yield from (f"User={hook.user}", "ProtectSystem=full", "ProtectHome=no")
    else:
        yield from ("DynamicUser=yes", *_STRICT, f"StateDirectory=letterbox-hook-{hook.name}")
