"""Running `inventory.py` as pyinfra runs it, and finding the mail hosts in it."""

from __future__ import annotations

import runpy
import traceback
from collections.abc import Mapping
from pathlib import Path

from dns.inventory.checked import GROUP, HostData, Inventory, InventoryError, check


def load(path: Path) -> Inventory:
    """Run the file and return the inventory in it.

    Raises InventoryError with every problem, one per line, each with the file's name in front.
    """
    return check(_hosts(_run(path), path.name), path.name)


def _run(path: Path) -> dict[str, object]:
    if not path.is_file():
        raise InventoryError(
            f"{path}: there is no such file: run this in the project's folder, or name another file"
        )
    try:
        return runpy.run_path(str(path))
    except SyntaxError as error:
        raise InventoryError(f"{path.name}: line {error.lineno}: {error.msg}") from None
    except (Exception, SystemExit) as error:
        lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == str(path)]
        at = f"line {lines[-1]}: " if lines else ""
        raise InventoryError(f"{path.name}: {at}{type(error).__name__}: {error}") from None


def _hosts(names: Mapping[str, object], source: str) -> list[HostData]:
    """The hosts of the group. A host's own data wins over the group's, and that over the data of `all`."""
    groups = {
        name: value
        for name, value in names.items()
        if not name.startswith("_") and isinstance(value, list | tuple)
    }
    if GROUP not in groups:
        has = f" (it has {', '.join(groups)})" if groups else ""
        raise InventoryError(
            f"{source}: has no group {GROUP}{has}: name the hosts in {GROUP} = ([...], {{...}})"
        )
    _, shared = _members(groups.get("all", []), source, "all")
    members, data = _members(groups[GROUP], source, GROUP)
    hosts: list[HostData] = []
    problems: list[str] = []
    for member in members:
        name, own = member if isinstance(member, tuple) and len(member) == 2 else (member, {})
        if isinstance(name, str) and isinstance(own, Mapping):
            hosts.append((name, {**shared, **data, **own}))
        else:
            problems.append(f"{source}: {GROUP}: {member!r} is not a host: write a name, or (name, {{...}})")
    if problems:
        raise InventoryError("\n".join(problems))
    return hosts


def _members(group: object, source: str, name: str) -> tuple[list[object], Mapping[str, object]]:
    hosts, data = group if isinstance(group, tuple) and len(group) == 2 else (group, {})
    if not isinstance(hosts, list) or not isinstance(data, Mapping):
        raise InventoryError(f"{source}: {name} must be a list of hosts, or ([hosts], {{data}})")
    return hosts, data
