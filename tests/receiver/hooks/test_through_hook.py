"""The message of a proof in the queue of a hook: delivered, failed, or not known in time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from receiver.hook_queue import Queue
from receiver.proof import through_hook
from tests.receiver.hooks.queues import queue, remember

ADDRESS = "proof-aaaabbbbccccdddd@example.com"


@pytest.fixture
def message(tmp_path: Path) -> Path:
    path = tmp_path / "example.com" / ".proof" / "new" / "1800000000.M1P1.mx1"
    path.parent.mkdir(parents=True)
    path.write_text("a message")
    path.chmod(0o600)
    return path


def proved(
    mail: Path, message: Path, then: Callable[[Queue, str], None], patience: float = 60.0
) -> dict[str, object]:
    """What is said if the hook's process does `then` with the message."""
    made = queue(mail)

    def process() -> None:
        while not (names := made.pending_names()):
            time.sleep(0.01)
        then(made, names[0])

    thread = threading.Thread(target=process)
    thread.start()
    outcome = through_hook.deliver(mail, "orders", ADDRESS, message, patience=patience)
    thread.join()
    return outcome


def test_what_the_process_has_removed_is_delivered(tmp_path: Path, message: Path) -> None:
    modes = []

    def deliver(made: Queue, name: str) -> None:
        modes.append((made.pending / name).stat().st_mode & 0o777)
        (made.pending / name).unlink()

    assert proved(tmp_path, message, deliver)["delivered"] is True
    assert modes == [0o444], "the hook's user must be able to read it"
    assert message.exists()


def test_what_failed_is_not_delivered_and_the_error_is_said(tmp_path: Path, message: Path) -> None:
    said = proved(
        tmp_path, message, lambda made, name: remember(made, tries={name: {"error": "500 Oops", "next": 1}})
    )
    assert (said["delivered"], "500 Oops" in str(said["evidence"])) == (False, True)


def test_a_hook_that_is_stopped_says_so(tmp_path: Path, message: Path) -> None:
    said = proved(tmp_path, message, lambda made, name: remember(made, stopped="410 Gone"))
    assert (said["delivered"], "410 Gone" in str(said["evidence"])) == (False, True)


def test_what_nobody_serves_is_not_known(tmp_path: Path, message: Path) -> None:
    said = proved(tmp_path, message, lambda made, name: None, patience=1.0)
    assert (said["delivered"], "it waits in the queue" in str(said["evidence"])) == (None, True)


def test_without_a_queue_it_is_not_known(tmp_path: Path, message: Path) -> None:
    said = through_hook.deliver(tmp_path, "orders", ADDRESS, message)
    assert (said["delivered"], "deploy this host" in str(said["evidence"])) == (None, True)
