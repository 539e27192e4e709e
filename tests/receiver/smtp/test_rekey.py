"""The key changes, with its certificate, under a receiver that starts or serves: one rename of a link."""

from __future__ import annotations

import hashlib
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path

import pytest

from receiver.config.values import TLSFiles
from receiver.smtp.certificate import Certificate, CertificateError
from tests.receiver.certificates import make_certificate
from tests.receiver.processes import wait_until
from tests.receiver.server import Server

KEYS = ("old", "new")


@pytest.fixture
def files(tmp_path: Path) -> TLSFiles:
    """Certificate and key as the deploy lays them: two links through the link `current`."""
    folder = tmp_path / "tls"
    for name in KEYS:
        (folder / "keys" / name).mkdir(parents=True)
        make_certificate(folder / "keys" / name, f"{name}.test")
    (folder / "current").symlink_to("keys/old")
    for name in ("certificate.pem", "key.pem"):
        (folder / name).symlink_to(f"current/{name}")
    return TLSFiles(folder / "certificate.pem", folder / "key.pem")


def use(files: TLSFiles, name: str) -> None:
    """Go to this key, as the deploy does."""
    new = files.key.with_name("current.new")
    new.symlink_to(f"keys/{name}")
    new.replace(files.key.with_name("current"))


def der(files: TLSFiles, name: str) -> bytes:
    pem = files.key.parent / "keys" / name / "certificate.pem"
    return ssl.PEM_cert_to_DER_cert(pem.read_text())


@contextmanager
def changing(files: TLSFiles) -> Iterator[None]:
    """The key changes all the time."""
    done = threading.Event()

    def change() -> None:
        for name in cycle(KEYS):
            use(files, name)
            if done.is_set():
                return

    thread = threading.Thread(target=change)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def test_a_start_never_fails_while_the_key_changes(files: TLSFiles, serve: Callable[..., Server]) -> None:
    with changing(files):
        for _ in range(300):
            Certificate(files)
        server = serve(certificate=(files.certificate, files.key))
    assert server.process.poll() is None


def test_a_receiver_that_serves_while_the_key_changes_never_calls_a_pair_wrong(
    files: TLSFiles, capsys: pytest.CaptureFixture[str]
) -> None:
    certificate = Certificate(files)
    for _ in range(100):
        for name in ("new", "old"):
            thread = threading.Thread(target=use, args=(files, name))
            thread.start()
            while thread.is_alive():
                certificate.reload()
            thread.join()
    use(files, "new")
    certificate.reload(only_if_changed=True)
    assert certificate.in_use.sha256 == hashlib.sha256(der(files, "new")).hexdigest()
    said = capsys.readouterr()
    assert "error=" not in said.out + said.err


def test_files_that_stay_wrong_fail_the_start_in_a_bounded_time(files: TLSFiles) -> None:
    files.key.unlink()
    files.key.symlink_to("keys/new/key.pem")
    with pytest.raises(CertificateError, match="do not belong together"):
        Certificate(files)


def test_a_sender_over_starttls_sees_no_deferral_and_soon_the_new_pair(
    files: TLSFiles, serve: Callable[..., Server]
) -> None:
    server = serve(certificate=(files.certificate, files.key))
    shown: list[bytes] = []
    failed: list[BaseException] = []
    done = threading.Event()

    def send() -> None:
        try:
            while not done.is_set():
                with server.client() as client:
                    client.starttls()
                    assert isinstance(client.socket, ssl.SSLSocket)
                    certificate = client.socket.getpeercert(binary_form=True)
                    client.ask("EHLO secret.test", 250)
                    client.begin()
                    client.send(b"Subject: through a rekey\r\n\r\nx\r\n.\r\n")
                    client.expect("250 2.0.0")
                    client.ask("QUIT", 221)
                    shown.append(certificate or b"")
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=send)
    thread.start()
    try:
        for name in ("old", "new", "old", "new"):
            use(files, name)
            wanted = der(files, name)
            wait_until(lambda wanted=wanted: failed or shown[-1:] == [wanted], f"{name} is served")
    finally:
        done.set()
        thread.join()
    assert failed == []
    assert set(shown) == {der(files, name) for name in KEYS}
    assert server.process.poll() is None
    assert "the last good one stays" not in server.log_to_the_end()
    assert len(server.messages()) == len(shown)
