"""The program `letterbox-bucket` as a process, with its configuration, key pair and socket in a folder."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from receiver.bucket.client import Client, connect
from tests.waiting import wait_until

MODULE = "services.bucket"


class Service:
    """The service in a folder. It starts with `start`, and may be ended and started again."""

    def __init__(
        self, folder: Path, urls: Sequence[str], key: str, secret: str, module: str = MODULE
    ) -> None:
        self.folder = folder
        self.socket = folder / "bucket.sock"
        self.log = folder / "log"
        self.process: subprocess.Popen[bytes] | None = None
        self._module = module
        folder.mkdir(parents=True, exist_ok=True)
        self.config = folder / "bucket.toml"
        named = ", ".join(f'"{each}"' for each in urls)
        self.config.write_text(f'urls = [{named}]\nregion = "auto"\nallow_http = true\n')
        (folder / "credentials").mkdir(exist_ok=True)
        self.set_key(key, secret)

    def set_key(self, key: str, secret: str) -> None:
        """The key pair from the next start on."""
        (self.folder / "credentials/bucket").write_text(f"{key}\n{secret}\n")

    @property
    def command(self) -> list[str]:
        return [sys.executable, "-m", self._module, "--config", str(self.config)]

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "CREDENTIALS_DIRECTORY": str(self.folder / "credentials")}

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*self.command, "--listen", str(self.socket)],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stderr=log,
            )
        wait_until(self._is_listening, lambda: f"letterbox-bucket listens: {self.log.read_text()}")

    def _is_listening(self) -> bool:
        assert self.process and self.process.poll() is None, self.log.read_text()
        with contextlib.suppress(OSError):
            connect(str(self.socket), 5).close()
            return True
        return False

    def end(self, number: int = signal.SIGTERM) -> int:
        """End it by a signal. Returns its exit code."""
        assert self.process
        self.process.send_signal(number)
        code = self.process.wait(30)
        self.process = None
        return code

    def client(self, timeout: float = 20.0) -> Client:
        return Client(self.socket, timeout)


@contextlib.contextmanager
def service(
    folder: Path, urls: Sequence[str], key: str, secret: str, module: str = MODULE
) -> Iterator[Service]:
    """Run the service until the end of the context."""
    running = Service(folder, urls, key, secret, module)
    running.start()
    try:
        yield running
    finally:
        if running.process:
            running.end(signal.SIGKILL)
