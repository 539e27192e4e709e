"""An MX of a fleet as processes on this machine: the receiver, the bucket's process, pushing and pulling."""

from __future__ import annotations

import hashlib
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from tests.bucket.seaweed import Engine
from tests.receiver.processes import DEADLINE, ROOT, environment
from tests.receiver.server import Server, start_server
from tests.waiting import wait_until

SOCKET = "bucket.sock"  # in the folder of a host
DOMAINS = '[domains."example.test"]\nmailboxes = ["alice", "bob", "carol", "dave"]\n'


class Host:
    """A host. Its folder has its mail, its configurations and its logs."""

    def __init__(self, folder: Path, name: str, engine: Engine) -> None:
        folder.mkdir()
        self.folder, self.name, self.engine = folder, name, engine
        self.server: Server | None = None
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def mail(self) -> Path:
        return self.folder / "mail"

    @property
    def socket(self) -> Path:
        return self.folder / SOCKET

    @property
    def port(self) -> int:
        assert self.server
        return self.server.port

    def serve(self, promise: str = "") -> None:
        """Start, or start again, what a deploy with that promise runs. Without one there is no bucket."""
        if self.server:
            assert self.server.stop() == 0, self.server.log
        if promise and "bucket" not in self._running:
            self._start_bucket()
        if not promise:
            self._end("push", "pull", "bucket")
        (self.mail / ".bucket" / "pending").mkdir(parents=True, exist_ok=True)
        store = f'[store]\npromise = "{promise}"\nsocket = "{self.socket}"\n' if promise else ""
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
        if self.server:
            self.server.kill()
        self._end(*self._running)
        self.server = None

    def stop(self) -> None:
        if self.server:
            self.server.stop()
        self._end(*self._running)

    def files(self) -> dict[tuple[str, str], str]:
        """The SHA-256 of each file of a message, by its mailbox and its name without flags."""
        found = {}
        for box in sorted((self.mail / "example.test").iterdir()):
            for part in ("new", "cur"):
                for path in (box / part).glob("*"):
                    found[box.name, path.name.partition(":")[0]] = _digest(path.read_bytes())
        return found

    def contents(self) -> dict[str, list[str]]:
        """The mailboxes that have a content, as often as they have it, by the SHA-256 of what was sent."""
        found: dict[str, list[str]] = {}
        for box in sorted((self.mail / "example.test").iterdir()):
            for part in ("new", "cur"):
                for path in (box / part).glob("*"):
                    octets = path.read_bytes()
                    content = octets[octets.index(b"From: <load@sender.test>\r\n") :]
                    found.setdefault(_digest(content), []).append(f"{box.name}@example.test")
        return found

    def log(self) -> str:
        """The last lines of each process, for the message of a failed test."""
        logs = sorted(self.folder.glob("*.log"))
        return "\n".join(f"{path}:\n{path.read_text(errors='replace')[-2000:]}" for path in logs)

    def _start_bucket(self) -> None:
        with (self.folder / "bucket.log").open("ab") as log:
            process, _ = start_bucket(
                self.folder, [self.engine.url], self.engine.key, self.engine.secret, log
            )
        self._running["bucket"] = process

    def _start(self, name: str, *arguments: str, **variables: str) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                [sys.executable, *arguments], cwd=ROOT, env=environment() | variables, stdout=log, stderr=log
            )

    def _end(self, *names: str) -> None:
        for name in names:
            if process := self._running.pop(name, None):
                process.terminate()
                process.wait(DEADLINE)


def start_bucket(
    folder: Path, urls: Sequence[str], key: str, secret: str, log: int | IO[bytes] = subprocess.DEVNULL
) -> tuple[subprocess.Popen[bytes], Path]:
    """Start the bucket's process with a key pair. Returns it and its socket, at which it listens."""
    keys, config, socket = folder / "credentials", folder / "bucket.toml", folder / SOCKET
    keys.mkdir(exist_ok=True)
    (keys / "bucket").write_text(f"{key}\n{secret}\n")
    config.write_text(f'urls = {list(urls)}\nregion = "us-east-1"\nallow_http = true\n')
    arguments = ["-m", "services.bucket", "--config", str(config), "--listen", str(socket)]
    variables = environment() | {"CREDENTIALS_DIRECTORY": str(keys)}
    socket.unlink(missing_ok=True)
    process = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
    )
    wait_until(lambda: socket.exists() or process.poll() is not None, "the bucket's process listens")
    assert process.poll() is None, f"it ended with {process.returncode}"
    return process, socket


def _digest(octets: bytes) -> str:
    return hashlib.sha256(octets).hexdigest()
