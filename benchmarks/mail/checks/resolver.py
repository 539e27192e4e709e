"""Letterbox's way to the name server: `letterbox-resolver`, as on a host without systemd-resolved."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.mail.errors import Broken

ROOT = Path(__file__).resolve().parents[3]
_PATIENCE = 10.0


@contextlib.contextmanager
def resolver(server: str, folder: Path) -> Iterator[Path]:
    """Run it in this folder, asking this name server. Yields its socket. Raises Broken."""
    socket = folder / "resolver.sock"
    command = [sys.executable, "-m", "services.resolver", "--listen", str(socket), "--server", server]
    with subprocess.Popen(command, cwd=ROOT) as process:
        try:
            until = time.monotonic() + _PATIENCE
            while not socket.exists():
                if process.poll() is not None or time.monotonic() > until:
                    raise Broken("the resolver does not start")
                time.sleep(0.01)
            yield socket
        finally:
            process.terminate()
            process.wait()
