"""What a host should be, from the inventory: a pure function, tested without a host."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pyinfra import context
from pyinfra.api.exceptions import DeployError
from pyinfra.api.host import Host

from dns.inventory import Domain, Inventory, InventoryError, MailHost, from_hosts
from dns.names import a_label
from provision.desired import archive
from provision.host import layout
from provision.host.observed import Observed
from provision.step import observe

# What a run may be told with `--data`, which pyinfra gives as data of every host.
RUN_DATA = ("generation", "remove_mail", "forget_domain", "forget_host")

_FILES = Path(__file__).resolve().parents[2] / "files"


@dataclass(frozen=True, slots=True)
class Desired:
    """One host as the inventory wants it."""

    host: MailHost
    configuration: str
    units: Mapping[str, str]
    """Unit name → text."""
    release: str
    """Digest of the release for this host's Python and architecture."""

    @property
    def generation(self) -> str:
        """Names everything that a running service was started with: when it differs, it must restart.

        It begins with a letter, since `--data generation=…` would take digits alone for a number.
        """
        said = json.dumps([self.release, self.configuration, sorted(self.units.items())])
        return f"g{hashlib.sha256(said.encode()).hexdigest()[:15]}"


def inventory() -> Inventory:
    """pyinfra's inventory as checked values.

    Raises:
        DeployError: every problem of it, a line each.
    """
    hosts = context.state.inventory.get_group("mail_hosts", default=())
    try:
        return from_hosts((host.name, _said(host)) for host in hosts)
    except InventoryError as error:
        raise DeployError(str(error)) from None


def _said(host: Host) -> dict[str, object]:
    """What the inventory says of a host, without what this run was told.

    Said in the inventory these are unknown keys: what is told to one run must not stand for all.
    """
    told = context.state.inventory.get_override_data()
    return {key: value for key, value in host.data.dict().items() if key not in RUN_DATA or key not in told}


def told(host: Host, key: str) -> frozenset[str]:
    """The names that `--data KEY=NAME` gives this run, several of them with commas between."""
    value = host.data.get(key) or ()
    names = value if isinstance(value, list) else str(value).split(",") if value else ()
    return frozenset(_name(str(name).strip()) for name in names)


def _name(text: str) -> str:
    try:
        return a_label(text)
    except ValueError:
        return text.lower()


def desired(host: Host | None = None) -> Desired:
    """What the host of this context should be."""
    host = context.host if host is None else host
    return for_host(inventory(), host.name, observe(host))


def for_host(whole: Inventory, name: str, seen: Observed) -> Desired:
    """What the named host should be; `seen` gives the Python and architecture to build for."""
    (host,) = (candidate for candidate in whole.hosts if candidate.name == name)
    return Desired(
        host=host,
        configuration=configuration(host, whole.domains),
        units={unit: _for_workers((_FILES / unit).read_text(), host.workers) for unit in layout.UNITS},
        release=archive.digest(archive.Platform(seen.python, seen.machine)),
    )


def configuration(host: MailHost, domains: tuple[Domain, ...]) -> str:
    """letterbox.toml for a host: files/letterbox.toml with the inventory's values filled in."""
    template = (_FILES / "letterbox.toml").read_text()
    return template.format(
        hostname=_toml(host.hostname),
        mail=_toml(layout.MAIL),
        workers=host.workers,
        # Left out where it is not asked for, so that a plain inventory keeps the generation it has.
        log_headers="\nlog_headers = true" if host.log_headers else "",
        certificate=_toml(layout.CERTIFICATE),
        key=_toml(layout.KEY),
        domains="\n".join(_domain_table(domain) for domain in domains),
    )


def _for_workers(unit: str, workers: int) -> str:
    """A unit with what it limits of memory and tasks for one worker, for so many."""
    return re.sub(
        r"^(MemoryMax=|TasksMax=)(\d+)",
        lambda limit: f"{limit[1]}{int(limit[2]) * workers}",
        unit,
        flags=re.MULTILINE,
    )


def _domain_table(domain: Domain) -> str:
    aliases = ", ".join(f"{_toml(name)} = {_toml(list(to))}" for name, to in domain.aliases.items())
    lines = [
        f"[domains.{_toml(domain.name)}]",
        f"mailboxes = {_toml(list(domain.mailboxes))}",
        f"aliases = {{ {aliases} }}" if aliases else "aliases = {}",
        f"catch_all = {_toml(domain.catch_all)}"
        if domain.catch_all
        else "# catch_all: unknown recipients are refused",
        f"subaddress_separators = {_toml(domain.subaddress_separators)}",
    ]
    return "\n".join(lines) + "\n"


def _toml(value: str | list[str]) -> str:
    """A string or a list of strings as TOML: JSON's escapes are a part of TOML's (toml.io, basic strings)."""
    return json.dumps(value, ensure_ascii=False)
