"""The same checkout makes the same release, octet for octet, whoever builds it and wherever.

A user can then build the release of a commit and compare its digest with that of somebody else.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from provision.desired import archive
from tests.deploys import ROOT

BUILD = """
import hashlib, sys
from provision.desired.archive import Platform, archive, digest
platform = Platform("%d.%d" % sys.version_info[:2], "x86_64")
print(digest(platform), hashlib.sha256(archive(platform)).hexdigest())
"""
NEEDED = ("provision", "receiver", "dns", "files", "pyproject.toml", "LICENSE", "requirements-host.lock")


@dataclass(frozen=True)
class Builder:
    """Somebody who builds: where the checkout lies, in which order its files were made, and as what."""

    folder: Path
    umask: int = 0o022
    backwards: bool = False
    variables: dict[str, str] = field(default_factory=dict)

    def build(self) -> tuple[str, str]:
        """Copy this checkout, build a release of it, and give its key and the SHA-256 of its archive."""
        checkout = self.folder / "checkout"
        copy(checkout, backwards=self.backwards)
        done = subprocess.run(
            [sys.executable, "-c", BUILD],
            cwd=checkout,
            umask=self.umask,
            env={
                **os.environ,
                "XDG_CACHE_HOME": str(self.folder / "cache"),
                # uv's own cache is shared. What is built is the same, with fewer requests to the network.
                "UV_CACHE_DIR": os.environ.get("UV_CACHE_DIR") or str(Path.home() / ".cache" / "uv"),
                **self.variables,
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        key, digest = done.stdout.split()
        return key, digest


def copy(into: Path, *, backwards: bool) -> None:
    """This checkout, its files made in the order of their names or in the reverse order, and dated now."""
    files = [
        path.relative_to(ROOT)
        for name in NEEDED
        for path in sorted([ROOT / name, *(ROOT / name).rglob("*")])
        if "__pycache__" not in path.parts and path.is_file()
    ]
    for path in reversed(files) if backwards else files:
        (into / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / path, into / path)


def entries(folder: Path) -> list[str]:
    return [each.name for each in folder.iterdir()]


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Path]:
    """A folder on a tmpfs, which lists the entries of a folder in the order in which they were made."""
    with tempfile.TemporaryDirectory(prefix="letterbox-", dir="/dev/shm") as folder:
        yield Path(folder)


def test_a_release_is_the_same_under_another_umask_path_and_order_of_entries(
    tmp_path: Path, memory: Path
) -> None:
    one = Builder(memory / "one")
    other = Builder(
        memory / "another" / "place",
        umask=0o077,
        backwards=True,
        variables={"TZ": "Asia/Kolkata", "LC_ALL": "C", "PYTHONHASHSEED": "7"},
    )
    assert one.build() == other.build()
    listed = [entries(each.folder / "checkout" / "receiver") for each in (one, other)]
    assert sorted(listed[0]) == sorted(listed[1])
    assert listed[0] != listed[1], "the entries were to be listed in another order"


def test_a_change_of_one_octet_is_another_release(tmp_path: Path) -> None:
    builder = Builder(tmp_path)
    before = builder.build()
    changed = tmp_path / "checkout" / "receiver" / "__init__.py"
    assert archive.PROJECT not in changed.parents
    changed.write_text(changed.read_text() + "#\n")
    done = subprocess.run(
        [sys.executable, "-c", BUILD],
        cwd=tmp_path / "checkout",
        env={**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")},
        capture_output=True,
        text=True,
        check=True,
    )
    key, digest = done.stdout.split()
    assert key != before[0]
    assert digest != before[1]
