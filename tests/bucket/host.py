"""An MX of a fleet as processes on this machine: the receiver, the bucket's process, pushing and pulling."""

from __future__ import annotations

import hashlib
import signal
import subprocess
import sys
from pathlib import Path

from tests.bucket.seaweed import Engine
from tests.bucket.service import Service
from tests.receiver.processes import DEADLINE, ROOT, environment
from tests.receiver.server import Server, start_server

DOMAINS = '[domains."example.test"]\nmailboxes = ["alice", "bob", "carol", "dave"]\n'


class Host:
    """A host. Its folder has its mail, its configurations and its logs."""

    def __init__(self, folder: Path, name: str, engine: Engine) -> None:
        folder.mkdir()
        self.folder, self.name = folder, name
        self.server: Server | None = None
        self.bucket = Service(folder / "bucket", [engine.url], engine.key, engine.secret)
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def mail(self) -> Path:
        return self.folder / "mail"

    @property
    def port(self) -> int:
        assert self.server
        return self.server.port

    def serve(self, promise: str = "") -> None:
        """Start, or start again, what a deploy with that promise runs. Without one there is no bucket."""
        if self.server:
            assert self.server.stop() == 0, self.server.log
        if promise and not self.bucket.process:
            self.bucket.start()
        if not promise:
            self._end("push", "pull")
            if self.bucket.process:
                self.bucket.end()
        if promise == "disk":
            (self.mail / ".bucket" / "pending").mkdir(parents=True, exist_ok=True)
        store = f'[store]\npromise = "{promise}"\nsocket = "{self.bucket.socket}"\n' if promise else ""
        self.server = start_server(
            self.folder, domains=DOMAINS, hooks=store, hostname=f"{self.name}.example.test"
        )
        if promise:
            for command in ("push", "pull"):
                if command not in self._running:
                    self._start(command, "-m", "receiver", command, "--follow", "--config", self.config)

    @property
    def config(self) -> str:
        return str(self.folder / "letterbox.toml")

    def run(self, *arguments: str) -> str:
        """Run `letterbox` to its end, which must be good. Returns what it prints."""
        command = [sys.executable, "-m", "receiver", *arguments, "--config", self.config]
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=DEADLINE,
            check=False,
        )
        assert done.returncode == 0, (done.returncode, done.stdout, done.stderr)
        return done.stdout

    def kill(self) -> None:
        """Kill every process of the host at once, as when its machine is lost."""
        for process in self._running.values():
            process.send_signal(signal.SIGKILL)
        self.bucket.end(signal.SIGKILL)
        if self.server:
            self.server.kill()
        self._end(*self._running)
        self.server = None

    def stop(self) -> None:
        if self.server:
            self.server.stop()
        self._end(*self._running)
        if self.bucket.process:
            self.bucket.end(signal.SIGKILL)

    def files(self) -> dict[tuple[str, str], str]:
        """The SHA-256 of each file of a message, by its mailbox and its name without flags."""
        found = {}
        for box in sorted((self.mail / "example.test").iterdir()):
            for part in ("new", "cur"):
                for path in (box / part).glob("*"):
                    found[box.name, path.name.partition(":")[0]] = _digest(path.read_bytes())
        return found

    def log(self) -> str:
        """The last lines of each process, for the message of a failed test."""
        logs = sorted([*self.folder.glob("*.log"), self.bucket.log])
        return "\n".join(f"{path}:\n{path.read_text(errors='replace')[-2000:]}" for path in logs)

    def _start(self, name: str, *arguments: str) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                [sys.executable, *arguments], cwd=ROOT, env=environment(), stdout=log, stderr=log
            )

    def _end(self, *names: str) -> None:
        for name in names:
            if process := self._running.pop(name, None):
                process.terminate()
                process.wait(DEADLINE)


def _digest(octets: bytes) -> str:
    return hashlib.sha256(octets).hexdigest()
