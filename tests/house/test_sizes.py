"""No module is too long, and no folder too full or too empty."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house.rooms import FEWEST_MODULES, LONGEST_MODULE, MOST_FILES, ROOMS, ROOT

FOLDERS = tuple(room.name for room in ROOMS if (ROOT / room.name).is_dir())


def folders(name: str) -> Iterator[Path]:
    """The folder of this name and all folders in it that hold Python."""
    for folder in (ROOT / name, *(ROOT / name).rglob("*/")):
        if any(folder.glob("*.py")):
            yield folder


def too_long(name: str) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}: {lines} lines"
        for folder in folders(name)
        for path in folder.glob("*.py")
        if (lines := len(path.read_text().splitlines())) > LONGEST_MODULE
    ]


def too_full_or_empty(name: str) -> list[str]:
    found: list[str] = []
    for folder in folders(name):
        files = [path for path in folder.iterdir() if path.is_file()]
        modules = [path for path in files if path.suffix == ".py" and path.name != "__init__.py"]
        if len(files) > MOST_FILES:
            found.append(f"{folder.relative_to(ROOT)}: {len(files)} files")
        if len(modules) < FEWEST_MODULES:
            found.append(f"{folder.relative_to(ROOT)}: {len(modules)} modules")
    return found


@pytest.mark.parametrize("name", FOLDERS)
def test_no_module_is_too_long(name: str) -> None:
    found = too_long(name)
    assert not found, "\n".join(found)


@pytest.mark.parametrize("name", FOLDERS)
def test_no_folder_is_too_full_or_too_empty(name: str) -> None:
    found = too_full_or_empty(name)
    assert not found, "\n".join(found)


def test_every_folder_has_its_sentence_in_the_map() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    named = set(re.findall(r"`([\w./]+?)/?`", text))
    for room in FOLDERS:
        for folder in folders(room):
            path = folder.relative_to(ROOT)
            assert str(path) in named or (path.parts[0] == "tests" and path.name in named), (
                f"{path} is not there"
            )


def test_no_top_level_module_is_too_long() -> None:
    found = [path.name for path in ROOT.glob("*.py") if len(path.read_text().splitlines()) > LONGEST_MODULE]
    assert not found
