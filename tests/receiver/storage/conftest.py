"""What the tests of the storage share."""

from __future__ import annotations

import pytest

from receiver.storage.log import wal


@pytest.fixture(autouse=True)
def no_pause_ends_a_segment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test looks at the log as it is after its messages, also on a machine that stands still meanwhile.

    Else the log would be emptied after half a second without a message. It still is when it is full.
    """
    monkeypatch.setattr(wal, "_IDLE", 3600.0)
    monkeypatch.setattr(wal, "_OLDEST", 3600.0)
