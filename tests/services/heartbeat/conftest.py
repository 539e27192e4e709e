"""A real receiver, a real `letterbox heartbeat-look` for each connection, and a real HTTPS server."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.deploys import Run
from tests.lab.lab import Lab
from tests.lab.network import CONTROL
from tests.receiver.certificates import make_certificate
from tests.receiver.heartbeat.looking import make_box
from tests.receiver.processes import ROOT, environment
from tests.receiver.server import DOMAINS, Server, start_server
from tests.services.heartbeat import host
from tests.services.heartbeat.switch_server import CHECK, SwitchServer, switch_server
from tests.tls.certified import TRUSTED

HOOKS = """
[hooks.orders]
mailboxes = ["alice@example.test"]
"""


@dataclass
class Place:
    """What a run of the heartbeat needs."""

    folder: Path
    server: Server
    switch: SwitchServer

    @property
    def state(self) -> Any:
        return json.loads((self.folder / "state.json").read_text())

    def arguments(self, *more: str) -> list[str]:
        return [
            *(sys.executable, "-m", "services.heartbeat"),
            *("--address", str(self.folder / "address"), "--state", str(self.folder / "state.json")),
            *("--look", str(self.folder / "look"), "--place", "127.0.0.1", "--port", str(self.server.port)),
            *("--seconds", "60", "--tries", "2", "--pause", "0.1", *more),
        ]

    def run(self, *more: str, url: str | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run it once. `url` is the text of the credential."""
        (self.folder / "address").write_text(self.switch.url + CHECK if url is None else url)
        trust = {"SSL_CERT_FILE": str(self.folder / "switch.pem")}
        return subprocess.run(
            self.arguments(*more),
            cwd=ROOT,
            env={**environment(), **trust, **variables},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )


@contextmanager
def answering_looks(path: Path, config: Path) -> Iterator[None]:
    """A socket at the path. Each connection gets a process, as systemd does with Accept=yes."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection:
                    command = [sys.executable, "-m", "receiver", "heartbeat-look", "--config", str(config)]
                    subprocess.run(
                        command,
                        cwd=ROOT,
                        env=environment(),
                        stdin=connection.fileno(),
                        stdout=connection.fileno(),
                        check=False,
                    )

        threading.Thread(target=serve, daemon=True).start()
        yield
        os.unlink(path)  # noqa: PTH108
        listening.shutdown(socket.SHUT_RDWR)


@pytest.fixture(scope="module")
def running() -> Iterator[Place]:
    """All of it, for the tests of a module. The folder has a short name, because sockets lie in it."""
    folder = Path(tempfile.mkdtemp(prefix="hb"))
    certificate = make_certificate(folder, "mx.example.test")
    server = start_server(folder, certificate=certificate, domains=DOMAINS + HOOKS)
    make_box(server.mail)
    (server.mail / ".hooks" / "orders" / "pending").mkdir(parents=True)  # as the deploy makes it
    with switch_server(folder) as switch, answering_looks(folder / "look", folder / "letterbox.toml"):
        yield Place(folder, server, switch)
    server.stop()
    shutil.rmtree(folder)


@pytest.fixture
def place(running: Place) -> Place:
    """The same, with a switch that answers and has got nothing yet."""
    running.switch.got.clear()
    running.switch.answer = "ok"
    (running.folder / "state.json").unlink(missing_ok=True)
    return running


@pytest.fixture(scope="package")
def switch(deployed: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SwitchServer]:
    """A switch in the lab's world, which the host trusts because its administrator said so."""
    address = deployed.network.address4(CONTROL)
    with switch_server(tmp_path_factory.mktemp("switch"), address) as running:
        deployed.target.write(TRUSTED, running.certificate)  # the target has no other authorities
        yield running
        deployed.target.run(f"rm {TRUSTED}")


@pytest.fixture(scope="package")
def wanting(deployed: Lab, switch: SwitchServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The inventory of a host that wants a heartbeat."""
    return host.wants(deployed, switch, tmp_path_factory.mktemp("wanting"))


@pytest.fixture(scope="package")
def beating(deployed: Lab, switch: SwitchServer, wanting: Path) -> Iterator[Run]:
    """The deploy after which the host has a heartbeat."""
    with host.beating(deployed, switch, wanting) as run:
        yield run
