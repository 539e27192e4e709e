"""A Debian host with IMAP, deployed once for all of these tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conftest import unavailable, usable_lab
from tests.lab import lifecycle
from tests.lab.errors import LabError
from tests.lab.machines import debian
from tests.lab.machines.image import Image
from tests.provision.imap.place import Place


@pytest.fixture(scope="session")
def imap_lab(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """carol may read alice's mailbox, and dave bob's. While it was deployed, every open port was noted."""
    folder = tmp_path_factory.mktemp("imap")
    lab = usable_lab(request.config, folder / ".lab", quiet=True, system="debian")
    try:
        try:
            debian.offer(lab.target, Image("debian"), "dovecot-imapd")
            debian.install(lab.world, Image("world"), "isync", "mutt", "curl", "openssh-client")
        except LabError as error:
            unavailable(str(error))
        place = Place(lab, folder)
        place.make_users()
        place.watch_ports()
        place.deploy()
        yield place
    finally:
        lifecycle.take_down(lab.folder)
