"""`make`: what it lists, and what each of its targets installs and names."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.house.rooms import ROOT
from tests.house.test_supply_chain import commands, printed

GROUPS = ("Start here", "Your hosts", "The lab", "Developers")


@pytest.fixture(scope="module")
def listed() -> list[str]:
    """What `make` alone prints."""
    return printed().splitlines()


def test_make_alone_lists_every_target_in_its_group_within_eighty_columns(listed: list[str]) -> None:
    assert all(len(line) <= 80 for line in listed), [line for line in listed if len(line) > 80]
    heads = [line for line in listed if line and not line.startswith(" ")]
    assert [head for head, group in zip(heads, GROUPS, strict=True) if not head.startswith(group)] == []
    phony = (ROOT / "Makefile").read_text().split(".PHONY:")[1].split("\n\n")[0]
    targets = set(phony.replace("\\", " ").split())
    assert {line.split()[1] for line in listed if line.startswith("  make ")} == targets


def test_who_only_deploys_installs_only_what_a_deploy_needs() -> None:
    assert any("-r requirements-control.lock" in line for line in commands("setup", "-B"))
    for target in ("setup", "demo", "proof", "doctor", "renew", "lab-up", "lab-play"):
        assert not any("-r requirements.lock" in line for line in commands(target, "-B")), target


def test_the_two_locks_of_this_machine_agree_on_every_version() -> None:
    def versions(lock: str) -> set[str]:
        return set(re.findall(r"^(\S+==\S+)", (ROOT / lock).read_text(), flags=re.MULTILINE))

    assert versions("requirements-control.lock") <= versions("requirements.lock")


@pytest.mark.parametrize("target", ["proof", "doctor", "smoke"])
def test_an_inventory_in_a_folder_with_a_space_is_named_whole(target: str) -> None:
    (line,) = (line for line in commands(target, "INVENTORY=~/my mail/x.py") if "--inventory" in line)
    assert line.endswith('--inventory "~/my mail/x.py"')


def test_make_renew_finds_an_inventory_in_the_home_folder(tmp_path: Path) -> None:
    """pyinfra takes `~` for the name of a folder, and a shell of cron leaves it to it."""
    (tmp_path / "pyinfra").write_text('#!/bin/sh\nprintf "%s|" "$@"\n')
    (tmp_path / "pyinfra").chmod(0o755)
    command = ("make", "-s", "-o", ".venv/.ready", "renew", f"BIN={tmp_path}", "INVENTORY=~/my mail/x.py")
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == f"-y|{Path.home()}/my mail/x.py|renew.py|"
