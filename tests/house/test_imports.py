"""The rooms import one way, no modules import each other in a circle, and each library has its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.house.imports import circle, imports_of, libraries_of, wrong_directions
from tests.house.rooms import DNS_KNOWS, KNOWN, ROOMS, ROOT, Room, rooms_of


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.name)
def test_a_room_imports_only_what_is_below(room: Room) -> None:
    wrong = wrong_directions(room, imports_of(ROOT, room.name))
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.name)
def test_a_room_imports_only_its_own_libraries(room: Room) -> None:
    found = libraries_of(ROOT, room.name, rooms_of(ROOT))
    wrong = [
        str(each) for each in found if room.libraries is not None and each.imported not in room.libraries
    ]
    assert not wrong, "\n".join(wrong)


def test_no_modules_of_the_tree_import_each_other_in_a_circle() -> None:
    ring = circle([each for room in ROOMS for each in imports_of(ROOT, room.name)])
    assert not ring, "\n".join(ring)


def test_a_service_knows_of_the_receiver_only_what_the_table_says() -> None:
    wrong = []
    for each in imports_of(ROOT, "services"):
        known = KNOWN.get(".".join(each.importer.split(".")[:2]), ())
        if each.imported.startswith("receiver") and not any(
            f"{each.imported}.".startswith(f"{one}.") for one in known
        ):
            wrong.append(str(each))
    assert not wrong, "\n".join(wrong)


def test_the_inventory_knows_one_module_of_the_services() -> None:
    known = {each.imported for each in imports_of(ROOT, "dns") if each.imported.startswith("services")}
    assert known == {DNS_KNOWS}


def test_every_room_is_in_the_table() -> None:
    assert rooms_of(ROOT) == {room.name for room in ROOMS}


HOUSE = Room("house", (("roof",), ("wall", "door"), ("ground",)))


def offences(folder: Path, **sources: str) -> list[str]:
    """What is wrong with a room of these modules."""
    for name in ("roof", "wall", "door", "ground"):
        (folder / "house").mkdir(exist_ok=True)
        (folder / "house" / f"{name}.py").write_text(sources.get(name, ""))
    (folder / "garden").mkdir(exist_ok=True)
    (folder / "garden" / "tree.py").write_text("")
    imports = imports_of(folder, "house")
    return [*wrong_directions(HOUSE, imports), *circle(imports)]


def test_imports_downwards_are_right(tmp_path: Path) -> None:
    assert offences(tmp_path, roof="from house import wall\nimport house.ground", wall="import ast") == []


@pytest.mark.parametrize(
    "source",
    [
        "from house.roof import tile",
        "from house import roof",
        "import house.roof",
        "import house.roof as top",
        "from . import roof",
        "from .roof import tile",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from house.roof import tile",
        "def late():\n    from house.roof import tile",
        "import importlib\nimportlib.import_module('house.roof')",
        "from house import door",
    ],
)
def test_every_form_of_an_import_that_is_not_downwards_is_found(tmp_path: Path, source: str) -> None:
    (found,) = offences(tmp_path, wall=source)
    assert found.startswith("house/wall.py:")
    assert "is not below wall" in found


def test_an_import_of_a_room_that_may_not_be_known_is_found(tmp_path: Path) -> None:
    assert offences(tmp_path, wall="import garden.tree") == [
        "house/wall.py:1: house.wall imports garden.tree, but house may not know garden"
    ]


def test_a_circle_inside_one_folder_is_found_with_all_of_its_imports(tmp_path: Path) -> None:
    folder = tmp_path / "house" / "ground"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    (folder / "one.py").write_text("from house.ground import two")
    (folder / "two.py").write_text("def late():\n    from house.ground.one import x")
    assert circle(imports_of(tmp_path, "house")) == [
        "house/ground/one.py:1: house.ground.one imports house.ground.two",
        "house/ground/two.py:2: house.ground.two imports house.ground.one",
    ]


def test_a_package_that_its_own_module_imports_is_a_circle(tmp_path: Path) -> None:
    folder = tmp_path / "house" / "ground"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("from house.ground.one import x")
    (folder / "one.py").write_text("from house.ground import y")
    assert len(circle(imports_of(tmp_path, "house"))) == 2


def test_a_circle_across_two_rooms_is_found(tmp_path: Path) -> None:
    for room, source in (("house", "import garden.tree"), ("garden", "from house.tree import x")):
        (tmp_path / room).mkdir()
        (tmp_path / room / "tree.py").write_text(source)
    imports = [*imports_of(tmp_path, "house"), *imports_of(tmp_path, "garden")]
    assert len(circle(imports)) == 2


def test_a_library_is_found_wherever_it_is_imported(tmp_path: Path) -> None:
    (tmp_path / "house").mkdir()
    (tmp_path / "house" / "wall.py").write_text(
        "import sys\nimport house.door\ndef late():\n    from segno.encoder import qr"
    )
    assert [str(each) for each in libraries_of(tmp_path, "house", {"house"})] == [
        "house/wall.py:4: house.wall imports segno"
    ]


def test_the_import_of_a_top_level_module_is_found(tmp_path: Path) -> None:
    (tmp_path / "inventory.py").write_text("")
    assert offences(tmp_path, wall="import inventory") == [
        "house/wall.py:1: house.wall imports inventory, but house may not know inventory"
    ]
