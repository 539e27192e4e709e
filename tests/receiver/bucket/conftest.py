"""One store that speaks S3 for all tests of this folder. Each test has a bucket of its own in it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.bucket.seaweed import Engine, seaweed
from tests.receiver.storage.conftest import no_pause_ends_a_segment as no_pause_ends_a_segment


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    with seaweed() as running:
        yield running
