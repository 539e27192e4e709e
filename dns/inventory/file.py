"""Running `inventory.py` as pyinfra runs it, and finding the mail hosts in it."""

from __future__ import annotations

import runpy
import traceback
from collections.abc import Collection, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path

from dns.inventory.checked import GROUP, HostData, Inventory, InventoryError, check
from dns.inventory.places import Problem, line_of, line_of_name


def load(path: Path) -> Inventory:
    """Run the file and return the inventory in it. A `~` at the start of its path is the user's home.

    Raises InventoryError with every problem, one per line, each with the file's name and line in front.
    """
    path = path.expanduser()
    names = _run(path)
    text = path.read_text("utf-8", errors="replace")
    hosts = _hosts(names, path.name, text)

    def line(problem: Problem) -> int | None:
        return line_of(text, GROUP, problem.at)

    if left := _left_of_the_example(hosts):
        places = [
            f"{what} in place of {name}" + (f" (line {at})" if (at := line(Problem("", (name,)))) else "")
            for name, what in left.items()
        ]
        raise InventoryError(f"{path.name} is still the example: set {', and '.join(places)}")
    return check(hosts, path.name, line)


def _left_of_the_example(hosts: Sequence[HostData]) -> dict[str, str]:
    """The names that nobody can own (RFC 2606, section 3), each with what belongs in its place."""
    left = {name: "your host" for name, data in hosts if _is_reserved(data.get("hostname") or name)}
    for _, data in hosts:
        domains = data.get("domains")
        for name in domains if isinstance(domains, Mapping) else ():
            if _is_reserved(name):
                left[name] = "your domain"
    return left


def _is_reserved(name: object) -> bool:
    """Whether it is example.com, example.net or example.org, or a name below one of them."""
    labels = str(name).lower().removesuffix(".").split(".")
    return labels[-2:] in (["example", "com"], ["example", "net"], ["example", "org"])


def _run(path: Path) -> dict[str, object]:
    if path.is_dir():
        raise InventoryError(f"{path}: is a folder: name the inventory in it, as {path / 'inventory.py'}")
    if not path.is_file():
        raise InventoryError(
            f"{path}: there is no such file: copy the example inventory.py to it, or name another"
        )
    try:
        return runpy.run_path(str(path))
    except SyntaxError as error:
        at = f"{error.lineno}: " if error.lineno else " "  # none if the file has a null byte, for example
        raise InventoryError(f"{path.name}:{at}{error.msg}") from None
    except UnicodeDecodeError as error:
        raise InventoryError(f"{path.name}: is not UTF-8 ({error.reason}): save it as UTF-8") from None
    except (Exception, SystemExit) as error:
        lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == str(path)]
        at = f"{lines[-1]}: " if lines else " "
        raise InventoryError(f"{path.name}:{at}{type(error).__name__}: {error}") from None


def _hosts(names: Mapping[str, object], source: str, text: str) -> list[HostData]:
    """The hosts of the group. A host's own data wins over the group's, and that over the data of `all`."""
    groups = {
        name: value
        for name, value in names.items()
        if not name.startswith("_") and isinstance(value, list | tuple)
    }
    if GROUP not in groups:
        raise InventoryError(_without_group(groups, source, text))
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


def _without_group(groups: Collection[str], source: str, text: str) -> str:
    """Why there are no mail hosts, with the group that was perhaps meant."""
    if near := get_close_matches(GROUP, groups, n=1):
        line = line_of_name(text, near[0])
        at = f"{source}:{line}" if line else source
        return f"{at}: has no group {GROUP} (it has {', '.join(groups)}): rename {near[0]} to {GROUP}"
    has = f" (it has {', '.join(groups)})" if groups else ""
    return f"{source}: has no group {GROUP}{has}: name the hosts in {GROUP} = ([...], {{...}})"


def _members(group: object, source: str, name: str) -> tuple[list[object], Mapping[str, object]]:
    hosts, data = group if isinstance(group, tuple) and len(group) == 2 else (group, {})
    if not isinstance(hosts, list) or not isinstance(data, Mapping):
        raise InventoryError(f"{source}: {name} must be a list of hosts, or ([hosts], {{data}})")
    return hosts, data
