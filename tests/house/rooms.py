"""The rules of the house, as tables: which room may import what, and where sizes are checked.

To switch a room on, move it from `NOT_YET` to `ROOMS` with its layers, or from `SIZES_NOT_YET` to `SIZED`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

LONGEST_MODULE = 250  # lines
MOST_FILES = 16  # in a folder
FEWEST_MODULES = 3  # in a folder, `__init__.py` not counted


@dataclass(frozen=True)
class Room:
    """A top-level folder. Each place in it, a folder or a module, may import only what is in a lower layer.

    `layers` go from the top down. Places of the same layer may not import each other. `knows` are the other
    rooms that this one may import.
    """

    name: str
    layers: tuple[tuple[str, ...], ...]
    knows: frozenset[str] = frozenset()


ROOMS = (
    Room(
        "dns",
        (
            ("sync",),
            ("check",),
            ("terminal",),
            ("world", "cloudflare"),
            ("desired", "plan"),
            ("inventory",),
            ("until",),
            ("records",),
            ("names", "errors"),
        ),
    ),
)
NOT_YET = ("receiver", "provision", "benchmarks", "tests")
"""Rooms whose imports are not checked yet."""

SIZED = ("dns", "tests/dns", "tests/house")
"""Folders in which sizes are checked, with all folders in them."""
SIZES_NOT_YET = ("receiver", "provision", "benchmarks", "tests")
"""Rooms in which sizes are not checked yet, except for the folders in `SIZED`."""


def rooms_of(root: Path) -> set[str]:
    """The top-level folders that hold Python."""
    return {
        path.name for path in root.iterdir() if not path.name.startswith(".") and any(path.glob("**/*.py"))
    }
