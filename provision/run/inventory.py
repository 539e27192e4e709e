"""pyinfra's inventory as checked values, and what the user tells one run with `--data`."""

from __future__ import annotations

import shlex
from pathlib import Path
from weakref import WeakKeyDictionary

from pyinfra import context
from pyinfra.api.exceptions import DeployError
from pyinfra.api.host import Host
from pyinfra.api.state import State

from dns.inventory import Inventory, InventoryError, MailHost, from_hosts
from dns.names import a_label

RUN_DATA = ("generation", "remove_mail", "forget_domain", "forget_host", "forget_policy", "leave_backlog")
"""What one run may be told with `--data`. pyinfra gives it as data of every host."""

_file: Path | None = None

_checked: WeakKeyDictionary[State, Inventory] = WeakKeyDictionary()


def remember_file(path: Path) -> None:
    """Keep the name of the inventory's file as the user gave it, for what he is told to run next."""
    global _file
    _file = path


def make(target: str) -> str:
    """The `make` command of this target for the inventory of this run."""
    if _file is None or _file == Path("inventory.py"):
        return f"make {target}"
    home = Path.home()
    if _file.is_relative_to(home):
        return f"make {target} INVENTORY=~/{shlex.quote(str(_file.relative_to(home)))}"
    return f"make {target} INVENTORY={shlex.quote(str(_file))}"


def inventory() -> Inventory:
    """The inventory of this run, checked once. Raises DeployError with every problem, a line each."""
    state = context.ctx_state.get()
    if state not in _checked:
        hosts = state.inventory.get_group("mail_hosts", default=())
        try:
            _checked[state] = from_hosts((host.name, _inventory_data(host)) for host in hosts)
        except InventoryError as error:
            raise DeployError(str(error)) from None
    return _checked[state]


def mail_host(host: Host | None = None) -> MailHost:
    """What the inventory says of a host, of this one if none is named. Raises DeployError."""
    name = (context.host if host is None else host).name
    return next(each for each in inventory().hosts if each.name == name)


def _inventory_data(host: Host) -> dict[str, object]:
    """The data of a host without what this run was told.

    The same keys in the inventory are refused as unknown, because they must not apply to every run.
    """
    given = context.state.inventory.get_override_data()
    return {key: value for key, value in host.data.dict().items() if key not in RUN_DATA or key not in given}


def named_in_run(host: Host, key: str) -> frozenset[str]:
    """The names that `--data KEY=NAME` gives this run. Commas separate several names."""
    value = host.data.get(key) or ()
    names = value if isinstance(value, list) else str(value).split(",") if value else ()
    return frozenset(_canonical(str(name).strip()) for name in names)


def _canonical(name: str) -> str:
    try:
        return a_label(name)
    except ValueError:
        return name.lower()
