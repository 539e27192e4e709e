"""What the tests of moved mail share."""

from __future__ import annotations

from tests.receiver.storage.conftest import no_pause_ends_a_segment as no_pause_ends_a_segment
