"""Programs on a terminal of 80 columns (a pty), as a user runs them, and what they leave on the screen."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

COLUMNS, ROWS = 80, 50
_LIVE = re.compile(r"[^\n]*\r\x1b\[K")  # a line that was replaced

Answers = Mapping[str, Callable[[re.Match[str]], str]]
"""For each pattern, what is done when it is first on the screen. It returns what is then typed, or ""."""


def run(
    command: Sequence[str | Path],
    environment: Mapping[str, str],
    folder: Path,
    answers: Answers | None = None,
    *,
    seconds: float = 600.0,
) -> tuple[int, list[str]]:
    """Run a program. The exit code, and the lines with their colours. TimeoutExpired if it does not end."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=dict(environment),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # so that a typed Ctrl-C reaches it
    )
    os.close(theirs)
    left = {re.compile(pattern): act for pattern, act in (answers or {}).items()}
    octets, until = b"", time.monotonic() + seconds
    try:
        while time.monotonic() < until:
            if not select.select([ours], [], [], 1.0)[0]:
                continue
            try:
                octets += os.read(ours, 65_536)
            except OSError:  # EIO: the program has closed its terminal
                break
            text = octets.decode(errors="replace")
            for pattern in list(left):
                if found := pattern.search(text):
                    os.write(ours, left.pop(pattern)(found).encode())
        code = process.wait(max(1.0, until - time.monotonic()))
    finally:
        process.kill()
        os.close(ours)
    text = octets.decode().replace("\r\n", "\n")
    return code, _LIVE.sub("", text).rstrip("\n").split("\n")
