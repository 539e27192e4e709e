"""Reading the imports of a room from its source: those for types and inside functions too."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from pathlib import Path

from tests.house.rooms import Room


@dataclass(frozen=True)
class Import:
    """One module that imports another, and where it does."""

    importer: str
    imported: str
    place: str
    """The file and the line."""

    def __str__(self) -> str:
        return f"{self.place}: {self.importer} imports {self.imported}"


def modules_of(root: Path, room: str) -> dict[str, Path]:
    """The modules of a room, by their dotted names. A package is its `__init__.py`."""
    found: dict[str, Path] = {}
    if (root / f"{room}.py").is_file():
        found[room] = root / f"{room}.py"
    for path in sorted((root / room).rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports_of(root: Path, room: str) -> list[Import]:
    """Every import in a room of a module of any top-level folder, each once."""
    inside = modules_of(root, room)
    known = dict(inside)
    for other in root.iterdir():
        if other.is_dir() and not other.name.startswith(".") and other.name != room:
            known |= modules_of(root, other.name) | {other.name: other}
        elif other.suffix == ".py" and other.stem != room:
            known[other.stem] = other
    found: dict[tuple[str, str], Import] = {}
    for importer, name, place in _names(root, inside):
        imported = _module(name, known)
        if imported is not None and imported != importer and not _is_dnspython(name, root):
            found.setdefault((importer, imported), Import(importer, imported, place))
    return list(found.values())


def libraries_of(root: Path, room: str, rooms: set[str]) -> list[Import]:
    """Every import in a room of a package that is neither in the standard library nor one of `rooms`."""
    found: dict[tuple[str, str], Import] = {}
    for importer, name, place in _names(root, modules_of(root, room)):
        library = "dnspython" if _is_dnspython(name, root) else name.partition(".")[0]
        if library not in sys.stdlib_module_names and library not in rooms:
            found.setdefault((importer, library), Import(importer, library, place))
    return list(found.values())


def _is_dnspython(name: str, root: Path) -> bool:
    """Whether a name below `dns` is dnspython's: our folder `dns/` shares that name, as it says itself."""
    top, _, rest = name.partition(".")
    here = root / "dns" / rest.partition(".")[0]
    return top == "dns" and bool(rest) and not here.is_dir() and not here.with_suffix(".py").is_file()


def _names(root: Path, modules: Mapping[str, Path]) -> Iterator[tuple[str, str, str]]:
    """The importer, the full name of what it imports, and the place, for each import in these modules."""
    for importer, path in modules.items():
        is_package = path.name == "__init__.py"
        for line, name in _imported_names(ast.parse(path.read_text()), importer, is_package):
            yield importer, name, f"{path.relative_to(root)}:{line}"


def _imported_names(tree: ast.AST, importer: str, is_package: bool) -> Iterator[tuple[int, str]]:
    """The line and the full name of everything that is imported anywhere in the source."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                package = importer.split(".")[: None if is_package else -1]
                parents = package[: len(package) - (node.level - 1)]
                base = ".".join([*parents, *([node.module] if node.module else [])])
            for alias in node.names:
                yield node.lineno, f"{base}.{alias.name}"
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in ("import_module", "__import__") and isinstance(node.args[0].value, str):
                yield node.lineno, node.args[0].value


def _module(name: str, known: Mapping[str, Path]) -> str | None:
    """The module that this name is, or is in. None if it is not in this repository."""
    while name:
        if name in known:
            return name
        name = name.rpartition(".")[0]
    return None


def wrong_directions(room: Room, imports: list[Import]) -> list[str]:
    """What imports a place that is not below it, or a room that it may not know."""
    level = {place: number for number, layer in enumerate(room.layers) for place in layer}
    wrong: list[str] = []
    for each in imports:
        other = each.imported.partition(".")[0]
        if other != room.name:
            if other not in room.knows:
                wrong.append(f"{each}, but {room.name} may not know {other}")
            continue
        if not room.layers:
            continue
        importer, imported = _place(each.importer), _place(each.imported)
        if imported in ("", importer):
            continue
        for place in (importer, imported):
            if place and place not in level:
                wrong.append(f"{each}, but {place} is in no layer of {room.name}")
                break
        else:
            if importer == "" or level[imported] <= level[importer]:
                wrong.append(f"{each}, but {imported} is not below {importer or 'the package itself'}")
    return wrong


def _place(module: str) -> str:
    """The folder or module right below the room that this module is in. Empty for the room's own package."""
    return module.split(".")[1] if "." in module else ""


def circle(imports: list[Import]) -> list[str]:
    """The imports of a circle, one per line. Empty if there is no circle."""
    graph: dict[str, set[str]] = {}
    for each in imports:
        graph.setdefault(each.importer, set()).add(each.imported)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        ring = error.args[1][::-1]  # graphlib gives each module before the one that imports it
        pairs = set(pairwise(ring))
        return [str(each) for each in imports if (each.importer, each.imported) in pairs]
    return []
