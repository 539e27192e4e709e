"""What an image is keyed by."""

from __future__ import annotations

import pytest

from tests.lab.machines.image import IMAGE_NAMES, RECIPES, digest_of, packages


@pytest.fixture
def recipe(tmp_path):
    (tmp_path / "setup.sh").write_text("true\n")
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "link").symlink_to("setup.sh")
    return tmp_path


def change_content(recipe):
    (recipe / "setup.sh").write_text("false\n")


def change_mode(recipe):
    (recipe / "setup.sh").chmod(0o755)


def change_name(recipe):
    (recipe / "setup.sh").rename(recipe / "other.sh")


def change_link(recipe):
    (recipe / "root" / "link").unlink()
    (recipe / "root" / "link").symlink_to("elsewhere")


@pytest.mark.parametrize("change", [change_content, change_mode, change_name, change_link])
def test_any_change_to_a_recipe_makes_another_image(recipe, change) -> None:
    before = digest_of(recipe)
    change(recipe)
    assert digest_of(recipe) != before


def test_an_unchanged_recipe_makes_the_same_image(recipe) -> None:
    assert digest_of(recipe) == digest_of(recipe)


def test_a_recipe_leaves_out_a_package_of_the_recipe_before(tmp_path) -> None:
    (tmp_path / "packages").write_text("-python3\nsudo\n")
    common = packages(RECIPES / "common")
    assert "python3" in common
    assert packages(RECIPES / "common", tmp_path) == [*(one for one in common if one != "python3"), "sudo"]


@pytest.mark.parametrize("name", IMAGE_NAMES)
def test_package_lists_name_each_package_once(name) -> None:
    listed = packages(RECIPES / "common", RECIPES / name)
    assert len(listed) == len(set(listed))
    assert all(" " not in package for package in listed)
