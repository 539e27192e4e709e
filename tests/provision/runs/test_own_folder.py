"""The user's inventory lies in a folder of the user's own: an upgrade of the clone never meets it."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

from tests.conftest import unavailable
from tests.deploys import ROOT, deploy
from tests.lab.lab import Lab
from tests.provision.releases import RELEASES


def git(*words: str | Path) -> str:
    done = subprocess.run(["git", *words], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        unavailable(f"git {words[0]}: {done.stderr.strip()}")
    return done.stdout.strip()


def content(folder: Path) -> dict[str, tuple[str, int]]:
    """Every file of the folder, with its digest and its time."""
    return {
        str(path.relative_to(folder)): (
            hashlib.sha256(path.read_bytes()).hexdigest(),
            path.stat().st_mtime_ns,
        )
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_clone_is_upgraded_beside_an_untouched_folder(fresh_lab: Lab, tmp_path: Path) -> None:
    clone, own = tmp_path / "a clone", tmp_path / "my mail"
    git("clone", "-q", ROOT, clone)
    git("-C", clone, "checkout", "-q", RELEASES[-1].commit)
    own.mkdir()
    inventory = Path(shutil.copy(fresh_lab.inventory, own))
    (own / "notes.txt").write_text("what I must not forget\n")
    before = content(own)

    old = deploy(fresh_lab, "-y", inventory=inventory, checkout=clone)
    assert old.code == 0, old.stdout + old.stderr
    assert git("-C", clone, "status", "--porcelain", "--untracked-files=no") == ""
    git("-C", clone, "checkout", "-q", git("-C", ROOT, "rev-parse", "HEAD"))

    new = deploy(fresh_lab, "-y", "--json", inventory=inventory, checkout=clone)
    assert new.code == 0, new.stdout + new.stderr
    assert "Service" in new.changed()
    again = deploy(fresh_lab, "-y", "--json", inventory=inventory, checkout=clone)
    assert (again.code, again.changed()) == (0, []), again.stderr
    assert content(own) == before
    assert git("-C", clone, "status", "--porcelain") == ""
