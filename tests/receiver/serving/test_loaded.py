"""What the service says that it has loaded is what it has loaded, not what lies on disk."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import socket
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from receiver import __version__, loaded
from receiver.loaded import Loaded
from receiver.validity import not_after
from tests.receiver.conftest import make_certificate
from tests.receiver.processes import DEADLINE, wait_until
from tests.receiver.server import Server


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that systemd makes for a service."""
    folder = tmp_path / "run"
    folder.mkdir()
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(folder))
    return folder


def in_file(path: Path) -> tuple[str, str]:
    """The digest of the certificate in a file, and when it ends."""
    certificate = x509.load_pem_x509_certificate(path.read_bytes())
    ends = certificate.not_valid_after_utc.strftime("%Y-%m-%dT%H:%M:%SZ")
    return hashlib.sha256(certificate.public_bytes(Encoding.DER)).hexdigest(), ends


@pytest.mark.parametrize("workers", [1, 2])
def test_the_service_says_what_it_has_loaded(
    serve: Callable[..., Server], folder: Path, tmp_path: Path, workers: int
) -> None:
    files = make_certificate(tmp_path, "mx1.test")
    server = serve(certificate=files, workers=workers)
    server.wait_for_lines("event=listening", workers)
    octets = (server.folder / "letterbox.toml").read_bytes()
    assert loaded.read(folder) == Loaded(
        hashlib.sha256(octets).hexdigest(), None, *in_file(files[0]), server.process.pid, __version__
    )


def test_an_edit_that_was_not_loaded_is_not_reported(serve: Callable[..., Server], folder: Path) -> None:
    server = serve()
    before = loaded.read(folder)
    path = server.folder / "letterbox.toml"
    path.write_text(path.read_text() + "# by hand\n")
    server.process.send_signal(signal.SIGHUP)
    (folder / loaded.FILE).unlink()
    server.process.send_signal(signal.SIGHUP)
    wait_until(lambda: loaded.read(folder) is not None, "it is said again")
    assert loaded.read(folder) == before


def test_a_certificate_that_cannot_be_used_is_not_reported_and_the_next_one_is(
    serve: Callable[..., Server], folder: Path, tmp_path: Path
) -> None:
    files = make_certificate(tmp_path, "old.test")
    server = serve(certificate=files)
    old = in_file(files[0])
    (tmp_path / "new").mkdir()
    new = make_certificate(tmp_path / "new", "new.test")
    shutil.copy(new[0], files[0])  # the key is still that of the old one
    server.process.send_signal(signal.SIGHUP)
    server.wait_for_log("event=certificate error=.*do not belong together")
    assert _certificate(folder) == old
    shutil.copy(new[1], files[1])
    server.process.send_signal(signal.SIGHUP)
    wait_until(lambda: _certificate(folder) == in_file(new[0]), "the new one is said")


def _certificate(folder: Path) -> tuple[str | None, str | None]:
    said = loaded.read(folder)
    assert said
    return said.certificate, said.certificate_expires


@pytest.mark.parametrize(
    "content", [b"", b"nonsense", b"[]", b'{"pid": "1"}', b'{"pid": 1' + b" " * 5000 + b"}"]
)
def test_what_is_no_report_says_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / loaded.FILE).write_bytes(content)
    assert loaded.read(tmp_path) is None


def test_a_link_and_a_pipe_in_its_place_are_not_followed_or_waited_for(tmp_path: Path) -> None:
    report = tmp_path / loaded.FILE
    other = tmp_path / "other"
    other.write_text(json.dumps({"pid": 1}))
    report.symlink_to(other)
    assert loaded.read(tmp_path) is None
    report.unlink()
    os.mkfifo(report)
    assert loaded.read(tmp_path) is None


def test_a_folder_that_cannot_be_written_to_keeps_nobody_from_serving(
    serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNTIME_DIRECTORY", "/nowhere")
    with socket.create_connection(("127.0.0.1", serve().port), DEADLINE) as connection:
        assert connection.recv(4) == b"220 "


@pytest.mark.parametrize("year", [1950, 1970, 2049, 2050, 2150])
def test_the_end_of_a_certificate_is_read_in_every_century(year: int) -> None:
    """RFC 5280, 4.1.2.5: UTCTime until 2049, GeneralizedTime from 2050 on."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(2**150).not_valid_before(datetime(1950, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(year, 12, 31, 23, 59, 59, tzinfo=UTC)).sign(key, hashes.SHA256())
    )  # fmt: skip
    assert not_after(made.public_bytes(Encoding.DER)) == f"{year}-12-31T23:59:59Z"


@pytest.mark.parametrize("octets", [b"", b"\x30", b"\x30\x80", b"-----BEGIN", b"\x30\x03\x30\x01\x00"])
def test_octets_that_are_no_certificate_have_no_end(octets: bytes) -> None:
    assert not_after(octets) is None
