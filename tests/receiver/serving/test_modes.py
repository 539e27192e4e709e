"""The modes of all that a receiver makes below its mail folder, whichever of its processes makes it."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.receiver.server import Server

HOOK = '[hooks.orders]\nmailboxes = ["alice@example.test"]\n'
SMALL, LARGE = 100, 20_000  # lines: the writer stores the one, the receiver itself the other


@pytest.mark.parametrize("lines", [SMALL, LARGE], ids=["small", "large"])
@pytest.mark.parametrize("workers", [1, 2])
def test_a_hook_can_read_its_mail_and_nobody_else_anything(
    serve: Callable[..., Server], lines: int, workers: int
) -> None:
    server = serve(hooks=HOOK, workers=workers)
    for mailbox in ("alice", "bob"):
        with server.client() as client:
            client.begin(f"{mailbox}@example.test")
            client.ask("Subject: hello\r\n\r\n" + "A line of text.\r\n" * lines + ".", 250)
    folders: set[int] = set()
    files: dict[str, set[int]] = {}
    for path in server.mail.rglob("*"):
        mode = stat.S_IMODE(path.lstat().st_mode)
        if path.is_dir():
            folders.add(mode)
        else:
            files.setdefault(_owner(path.relative_to(server.mail)), set()).add(mode)
    assert folders == {0o700}
    assert files.pop("alice") == files.pop(".hooks") == {0o444}
    assert files.pop("bob") == {0o400}
    assert ".wal" in files and all(modes <= {0o600, 0o400} for modes in files.values()), files


def _owner(path: Path) -> str:
    return path.parts[1] if path.parts[0] == "example.test" else path.parts[0]
