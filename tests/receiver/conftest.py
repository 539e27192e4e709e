"""A real `letterbox serve` process for each module that needs one, and certificates for it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.receiver.wire import Server, start_server


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return make_certificate(tmp_path_factory.mktemp("tls"), "mx.example.test")


def make_certificate(folder: Path, name: str) -> tuple[Path, Path]:
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    files = ["-keyout", str(key), "-out", str(certificate), "-subj", f"/CN={name}", "-days", "30"]
    subprocess.run(["openssl", "req", "-x509", *curve, *files], check=True, capture_output=True)
    return certificate, key


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Start servers that end with the test. Arguments as `wire.start_server`."""
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
    """One server for all tests of a module, with TLS and the limits that tests reach quickly."""
    running = start_server(
        tmp_path_factory.mktemp("server"),
        certificate=certificate,
        limits={"message_size": 1_000_000, "recipients": 10, "line_length": 100_000},
    )
    yield running
    running.stop()


@pytest.fixture(scope="session")
def is_root() -> bool:
    return os.geteuid() == 0
