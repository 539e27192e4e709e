"""Fixtures: a real `letterbox serve` process for each module that needs one, and its certificate."""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.receiver.certificates import make_certificate
from tests.receiver.processes import DEADLINE
from tests.receiver.server import Server, start_server


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return make_certificate(tmp_path_factory.mktemp("tls"), "mx.example.test")


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Start servers that end with the test. The arguments are those of `server.start_server`."""
    servers: list[Server] = []

    def start(**settings: object) -> Server:
        folder = tmp_path / f"server{len(servers)}"
        folder.mkdir()
        servers.append(start_server(folder, **settings))  # type: ignore[arg-type]
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, certificate: tuple[Path, Path]) -> Iterator[Server]:
    """One server for all tests of a module, with TLS and with limits that tests reach quickly."""
    running = start_server(
        tmp_path_factory.mktemp("server"),
        certificate=certificate,
        limits={"message_size": 1_000_000, "recipients": 10, "line_length": 100_000},
    )
    yield running
    running.stop()


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    """The socket of a service manager. `notify` in the folder of the test is its address (NOTIFY_SOCKET)."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(str(tmp_path / "notify"))
        heard.settimeout(DEADLINE)
        yield heard


@pytest.fixture(scope="session")
def is_root() -> bool:
    return os.geteuid() == 0


@pytest.fixture
def small_disk(tmp_path: Path, is_root: bool) -> Iterator[Path]:
    if not is_root:
        pytest.skip("mounting a small tmpfs needs root")
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "letterbox-test", str(folder)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("no tmpfs can be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture
def root(is_root: bool) -> None:
    if not is_root:
        pytest.skip("giving root up needs root")


@pytest.fixture
def folder(root: None) -> Iterator[Path]:
    """A folder that every user may enter. Only root may enter the folders that pytest makes."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)
