"""The desired state of a host, from the inventory: a pure function, tested without a host."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from weakref import WeakKeyDictionary

from pyinfra import context
from pyinfra.api.host import Host
from pyinfra.api.state import State

from dns.inventory import Inventory, MailHost
from provision.desired import archive
from provision.desired.archive import Platform
from provision.desired.heartbeat import telling_failures
from provision.desired.letterbox_toml import Checks, letterbox_toml
from provision.host import layout
from provision.run.inventory import inventory
from provision.run.step import observe

_FILES = Path(__file__).resolve().parents[2] / "files"


@dataclass(frozen=True, slots=True)
class Desired:
    """One host as the inventory wants it."""

    host: MailHost
    own_resolver: bool
    """Whether it needs our own resolver, because its systemd-resolved cannot be asked."""
    configuration: str
    """The text of letterbox.toml."""
    units: Mapping[str, str]
    """The text of each unit, by its name."""
    release: str
    """Digest of the release for this host's Python and architecture."""

    @property
    def generation(self) -> str:
        """The name of everything that a running service was started with. If it differs, it must restart.

        It begins with a letter, because `--data generation=…` would take digits alone for a number.
        """
        content = json.dumps([self.release, self.configuration, sorted(self.units.items())])
        return f"g{hashlib.sha256(content.encode()).hexdigest()[:15]}"


class _Run:
    """What is worked out once a run, because the inventory and this checkout do not change meanwhile."""

    def __init__(self) -> None:
        self.releases: dict[Platform, str] = {}
        self.own_resolver: dict[str, bool] = {}
        self.hosts: dict[tuple[str, Platform, bool], Desired] = {}


_runs: WeakKeyDictionary[State, _Run] = WeakKeyDictionary()


def desired(host: Host | None = None) -> Desired:
    """What a host should be, this one if none is named. Raises DeployError."""
    host = context.host if host is None else host
    seen = observe(host)
    platform = Platform(seen.python, seen.machine)
    run = _runs.setdefault(context.ctx_state.get(), _Run())
    if platform not in run.releases:
        run.releases[platform] = archive.digest(platform)
    if seen.resolved is not None:
        # A resolved that is restarted while the run goes on must not change what the run wants.
        run.own_resolver.setdefault(host.name, not seen.resolved)
    # If nobody tells, it stays as it is.
    own = run.own_resolver.get(host.name, seen.own_resolver is not None)
    if (host.name, platform, own) not in run.hosts:
        release = run.releases[platform]
        run.hosts[host.name, platform, own] = for_host(inventory(), host.name, release, own_resolver=own)
    return run.hosts[host.name, platform, own]


def for_host(whole: Inventory, name: str, release: str, *, own_resolver: bool = False) -> Desired:
    """What the named host of the inventory should be, with this release.

    `own_resolver` says that its systemd-resolved cannot be asked.
    """
    (host,) = (candidate for candidate in whole.hosts if candidate.name == name)
    return Desired(
        host=host,
        own_resolver=own_resolver and host.checks,
        configuration=letterbox_toml(
            host, whole.domains, checks(whole, host, own_resolver=own_resolver), whole.store
        ),
        units={unit: _unit(unit, host) for unit in layout.UNITS},
        release=release,
    )


def checks(whole: Inventory, host: MailHost, *, own_resolver: bool) -> Checks | None:
    """How this host checks senders. None if the inventory says that it does not.

    Results that bear the name of any of our hosts are ours to give, because mail passes from host to host.
    """
    if not host.checks:
        return None
    names = tuple(dict.fromkeys((host.hostname, *(each.hostname for each in whole.hosts))))
    return Checks(layout.RESOLVER if own_resolver else layout.RESOLVED, names)


def _unit(name: str, host: MailHost) -> str:
    text = _for_workers((_FILES / name).read_text(), host.workers)
    return telling_failures(text) if host.heartbeat and name == layout.SERVICE_UNIT else text


def _for_workers(unit: str, workers: int) -> str:
    """The unit, with its limits on memory and tasks multiplied by the number of workers."""
    return re.sub(
        r"^(MemoryMax=|TasksMax=)(\d+)",
        lambda limit: f"{limit[1]}{int(limit[2]) * workers}",
        unit,
        flags=re.MULTILINE,
    )
