"""A target and a hook for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.services.hooks.hooks import Hook
from tests.services.hooks.target import Target


@pytest.fixture
def target() -> Iterator[Target]:
    with Target() as running:
        yield running


@pytest.fixture
def hook(tmp_path: Path, target: Target) -> Hook:
    return Hook(tmp_path, url=target.url(), allow_private=True)
