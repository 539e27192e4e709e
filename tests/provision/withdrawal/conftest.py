"""A lab of two hosts that serve two domains, each in a zone of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conftest import usable_lab
from tests.deploys import deploy
from tests.lab import lifecycle
from tests.lab.lab import Lab
from tests.provision.withdrawal.two_hosts import EXAMPLE, SECOND


@pytest.fixture(scope="package")
def lab(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A lab of its own with two hosts, both deployed for both domains."""
    folder = tmp_path_factory.mktemp("two") / ".lab"
    two = usable_lab(request.config, folder, quiet=True, hosts=2)
    text = two.inventory.read_text()
    more = f'"{SECOND}": {{"mailboxes": ["carol"], "aliases": {{"postmaster": ["carol"]}}}},\n            '
    two.inventory.write_text(text.replace(f'"{EXAMPLE}": {{', f'{more}"{EXAMPLE}": {{'))
    assert deploy(two, "-y").code == 0
    yield two
    lifecycle.take_down(folder)


@pytest.fixture
def as_deployed(lab: Lab) -> Iterator[None]:
    """Afterwards the lab is again as its inventory says."""
    yield
    lab.world.run("systemctl start knot@ns1")
    # What stays of the names that this test used goes at once.
    run = deploy(lab, "-y", "--data", "forget_host=mail.example.test")
    assert run.code == 0, run.stderr
