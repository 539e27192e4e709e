"""An MX host as processes of this machine: a receiver that promises the bucket, and the bucket's process.

The bucket's process may run on a wire of its own (`tests.fleet.engine.wire`). Everything that the host
keeps lies in one folder, so the loss of its disk is the loss of that folder.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.fleet.senders import MAILBOXES
from tests.ports import free_port
from tests.receiver.processes import ROOT, ended, environment, wait_until
from tests.receiver.server import Server, configuration

BUCKET_PROGRAM = ("-m", "services.bucket")
_DOMAINS = f'[domains."example.test"]\nmailboxes = {[each.partition("@")[0] for each in MAILBOXES]}\n'
_MANY = {"connections_per_address": 1000, "connections_per_network": 1000}


class Mx:
    """The MX of this number, from 1. `urls` are those of the bucket, `enter` begins the command on its wire.

    With `shared` it has no bucket: its mail folder is that one, which other MX have, too.
    """

    def __init__(
        self,
        folder: Path,
        number: int,
        urls: Sequence[str],
        key: tuple[str, str],
        *,
        region: str = "auto",
        enter: Sequence[str] = (),
        program: Sequence[str] = BUCKET_PROGRAM,
        shared: Path | None = None,
    ) -> None:
        self.folder, self.port = folder, free_port()
        self._shared = shared
        self.urls = list(urls)
        self._number, self._key, self._region = number, key, region
        self._enter, self._program = enter, program
        self._server: Server | None = None
        self._bucket: subprocess.Popen[bytes] | None = None

    @property
    def config(self) -> Path:
        return self.folder / "letterbox.toml"

    def start(self) -> None:
        """Start what does not run."""
        self.folder.mkdir(parents=True, exist_ok=True)
        socket = None if self._shared else self.folder / "bucket.sock"
        self.config.write_text(settings(self.folder, socket, f"mx{self._number}", self._shared))
        if socket and not self._bucket:
            self._start_bucket()
        if not self._server:
            self._start_receiver()

    def kill_receiver(self) -> None:
        self._kill(self._server and self._server.process)
        self._server = None

    def kill_bucket(self) -> None:
        self._kill(self._bucket)
        self._bucket = None

    def kill(self) -> None:
        """Kill both processes at the same time."""
        self._kill(self._server and self._server.process, self._bucket)
        self._server = self._bucket = None

    @staticmethod
    def _kill(*processes: subprocess.Popen[bytes] | None) -> None:
        """Kill those that run. Returns when their children, which end with them, have ended, too."""
        running = [each for each in processes if each and each.poll() is None]
        lists = [Path(f"/proc/{each.pid}/task/{each.pid}/children") for each in running]
        left = [int(child) for each in lists for child in each.read_text().split()]
        for each in running:
            each.kill()
        for each in running:
            each.wait()
        wait_until(lambda: all(map(ended, left)), "their children have ended")

    def lose(self) -> None:
        """Lose the whole host: its processes, and its disk."""
        self.kill()
        shutil.rmtree(self.folder)

    def peak_memory(self) -> tuple[int, int]:
        """The peaks of resident memory of the receiver and of the bucket's process, in octets."""
        assert self._server and self._bucket
        status = Path(f"/proc/{self._bucket.pid}/status").read_text()
        ours = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
        return self._server.peak_memory(), int(ours.split()[1]) * 1024

    def _start_bucket(self) -> None:
        credentials = self.folder / "credentials"
        credentials.mkdir(exist_ok=True)
        (credentials / "bucket").write_text("\n".join(self._key) + "\n")
        config, socket = self.folder / "bucket.toml", self.folder / "bucket.sock"
        config.write_text(f'urls = {self.urls}\nregion = "{self._region}"\nallow_http = true\n')
        socket.unlink(missing_ok=True)
        command = [*self._enter, sys.executable, *self._program]
        variables = environment() | {"CREDENTIALS_DIRECTORY": str(credentials), "PYTHONPATH": str(ROOT)}
        with (self.folder / "bucket.log").open("ab") as log:
            self._bucket = subprocess.Popen(
                [*command, "--config", str(config), "--listen", str(socket)],
                cwd=ROOT, env=variables, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip

    def _start_receiver(self) -> None:
        log = self.folder / "log"
        if log.exists():
            with (self.folder / "log.before").open("ab") as before:
                before.write(log.read_bytes())
        command = [sys.executable, "-m", "receiver", "serve", "--config", str(self.config)]
        with log.open("wb") as output:
            process = subprocess.Popen(
                [*command, "--listen", f"127.0.0.1:{self.port}"],
                cwd=ROOT, env=environment(), stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            )  # fmt: skip
        self._server = Server(process, self.port, self.folder)
        self._server.wait_for_log("event=listening")


def settings(folder: Path, socket: Path | None, name: str, mail: Path | None = None) -> str:
    """The text of a letterbox.toml of a host with its mail in `folder`. A `socket` is that of the bucket."""
    store = f'[store]\npromise = "bucket"\nsocket = "{socket}"\n' if socket else ""
    return configuration(
        mail or folder / "mail", folder / "proofs", limits=_MANY, domains=_DOMAINS,
        hostname=f"{name}.example.test", hooks=store,
    )  # fmt: skip
