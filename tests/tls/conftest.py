"""A lab of this room's own, whose zone tests may sign, beside the one that other tests see unsigned."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conftest import usable_lab
from tests.deploys import deploy
from tests.lab import lifecycle
from tests.lab.lab import Lab


@pytest.fixture(scope="package")
def tls_lab(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A deployed lab. Nothing is signed in it below `test`. It is taken down after the room's last test."""
    folder = tmp_path_factory.mktemp("tls") / ".lab"
    try:
        lab = usable_lab(request.config, folder, quiet=True)
        run = deploy(lab, "-y")
        assert run.code == 0, f"pyinfra ended with {run.code}:\n{run.stdout}{run.stderr}"
        yield lab
    finally:
        lifecycle.take_down(folder)
