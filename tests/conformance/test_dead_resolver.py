"""Every dialogue, held with our receiver while it checks senders and no DNS answers."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.__main__ import run
from tests.conformance.dialogue import load
from tests.conformance.ours import running
from tests.conformance.play import Outcome

AT_MOST = 10  # seconds for the checks of a message
LONGEST = 19.0  # seconds that a reply may take on a busy machine: less than two such deadlines


@pytest.fixture(params=["a socket that never answers", "no socket"])
def resolver(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "resolver"
    with socket.socket(socket.AF_UNIX) as listening:
        if request.param != "no socket":
            listening.bind(str(path))
            listening.listen(4096)
        yield path


def test_no_dialogue_is_different_and_no_reply_takes_longer_than_the_deadline(
    resolver: Path, tmp_path: Path
) -> None:
    dialogues = load()
    began = time.monotonic()
    with running(tmp_path, resolver, LONGEST, AT_MOST) as ours:
        outcomes = run(dialogues, ours)
        assert ours.mailbox
        stored = [path.read_bytes() for path in (ours.mailbox / "new").iterdir()]
    differ = {
        f"{each.source}: {each.title}": outcome.why
        for each, outcome in zip(dialogues, outcomes, strict=True)
        if outcome != Outcome("ok")
    }
    assert differ == {}
    assert len(stored) > 40
    assert all(b"\r\nAuthentication-Results: mx.example.test;" in each for each in stored)
    print(f"{len(dialogues)} dialogues, {time.monotonic() - began:.0f} s")
