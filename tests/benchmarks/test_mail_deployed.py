"""The deployed release of Letterbox in the mail benchmark."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.mail.deployed import Release, deployed, release
from benchmarks.mail.disks.slow import check_loaded, library
from benchmarks.mail.errors import Broken
from benchmarks.mail.load import tree
from benchmarks.mail.receivers import Receiver
from benchmarks.mail.table import table
from tests.lab.machines.image import Image
from tests.receiver.wire import Client

needs_the_image = pytest.mark.skipif(
    os.geteuid() != 0 or not Image("target").is_built(), reason="needs root and the lab's image"
)


@pytest.fixture(scope="module")
def built() -> Release:
    return release()


@pytest.fixture
def running(built: Release, tmp_path: Path) -> Iterator[Receiver]:
    preload = library(1, tmp_path) if shutil.which("cc") else None
    with deployed(built, tmp_path / "store", workers=2, preload=preload) as receiver:
        yield receiver


@needs_the_image
def test_the_release_runs_under_the_python_of_the_target(running: Receiver) -> None:
    (first, *others) = list(tree(running.pid))[1:]
    assert len(others) == 3  # two workers and the writer
    release, python = Path(f"/proc/{first}/root/opt/letterbox/current"), Path(f"/proc/{first}/exe")
    assert python.readlink().name == f"python{running.python.rpartition('.')[0]}"
    assert (release / "bin" / "letterbox").is_file() and list(release.glob("lib/receiver/__pycache__/*"))
    if shutil.which("cc"):
        check_loaded(running)


@needs_the_image
def test_its_mail_is_stored_on_the_given_disk(running: Receiver) -> None:
    with Client(running.port) as client:
        client.expect(220)
        client.ask("EHLO client.test", 250)
        client.begin()
        client.send(b"Subject: here\r\n\r\nHello\r\n.\r\n")
        client.expect(250)
        (stored,) = running.new.iterdir()
    assert b"Subject: here" in stored.read_bytes()


@needs_the_image
def test_nothing_stays_mounted_and_the_image_is_as_it_was(built: Release, tmp_path: Path) -> None:
    def seen() -> tuple[list[str], list[tuple[Path, int]]]:
        mounts = [line for line in Path("/proc/mounts").read_text().splitlines() if line.startswith("peer ")]
        return mounts, [(each, each.lstat().st_mtime_ns) for each in sorted(built.root.rglob("*"))]

    before = seen()
    with deployed(built, tmp_path / "store"):
        pass
    assert seen() == before


@needs_the_image
def test_a_failed_start_is_explained_in_one_line(built: Release, tmp_path: Path) -> None:
    with (
        pytest.raises(Broken, match=r"^Letterbox deployed, 65 workers does not start: .*65.*$"),
        deployed(built, tmp_path / "store", workers=65),
    ):
        pass


def test_the_heading_names_the_python_of_each_receiver() -> None:
    names = ["Letterbox", "Letterbox, 2 workers", "Letterbox deployed"]
    runs = {name: {"1 session": [1.0]} for name in names}
    found = {
        "conditions": "ext4", "ours": names, "neighbour": [],
        "python": dict(zip(names, ("3.11.7", "3.11.7", "3.14.8"), strict=True)),
        "rates": runs, "accepted": runs, "cpu": runs, "memory": runs,
        "late": {name: {"1 session": [0]} for name in names},
    }  # fmt: skip
    heading = "ext4; Python 3.11.7: Letterbox, Letterbox, 2 workers; Python 3.14.8: Letterbox deployed:"
    assert table(found).splitlines()[1] == heading
