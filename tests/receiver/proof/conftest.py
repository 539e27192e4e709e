"""The configuration of the server that the tests talk to."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.receiver.server import Server


@pytest.fixture
def config(server: Server) -> Path:
    server.mail.mkdir(exist_ok=True)
    return server.folder / "letterbox.toml"
