"""The doctor's links of the bucket, each broken on the real process of the bucket before a real store."""

from __future__ import annotations

import contextlib
import signal
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from receiver.doctor.links import Link
from receiver.doctor.services.bucket import ask
from receiver.heartbeat.bucket import answers
from tests.bucket.gateway import Fault, Gateway, gateway
from tests.bucket.seaweed import Engine, seaweed
from tests.bucket.service import service
from tests.ports import free_port
from tests.receiver.certificates import make_certificate
from tests.receiver.processes import DEADLINE

NAMES = ["bucket name", "bucket TLS", "bucket clock", "bucket key", "bucket writes"]


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with seaweed() as running:
        yield running


@pytest.fixture
def gate(engine: Engine) -> Iterator[Gateway]:
    with gateway(engine.endpoint) as running:
        yield running


@contextlib.contextmanager
def bucket(folder: Path, engine: Engine, url: str, secret: str = "") -> Iterator[Path]:
    """The bucket's process for a URL, with the store's key pair or another secret. Gives its socket."""
    with service(folder / "bucket", [url], engine.key, secret or engine.secret) as running:
        yield running.socket


@contextlib.contextmanager
def stranger(folder: Path) -> Iterator[str]:
    """A server of HTTPS whose certificate no authority has signed. Gives its URL."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*make_certificate(folder, "localhost"))
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listening.accept()
                    with contextlib.suppress(OSError), context.wrap_socket(connection, server_side=True):
                        pass

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"https://localhost:{listening.getsockname()[1]}/mail"
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()


def broken(links: list[Link], name: str) -> Link:
    """The link of that name, which must be the first that does not hold. No link after it may hold."""
    assert [each.name for each in links] == NAMES, links
    at = NAMES.index(name)
    assert [each.holds for each in links[:at]] == [True] * at, links
    assert [each.holds for each in links[at + 1 :]] == [None] * (len(NAMES) - at - 1), links
    return links[at]


def test_a_bucket_that_is_well_has_five_links_that_hold(tmp_path: Path, engine: Engine) -> None:
    with bucket(tmp_path, engine, engine.url) as path:
        assert [(each.name, each.holds) for each in ask(path, "disk")] == [(name, True) for name in NAMES]
        assert answers(path).well is True


def test_a_name_that_nobody_has(tmp_path: Path, engine: Engine) -> None:
    """Where no nameserver answers it cannot be told whether the name is wrong."""
    with bucket(tmp_path, engine, "https://bucket.letterbox.invalid/mail") as path:
        link = broken(ask(path, "bucket"), "bucket name")
        assert link.holds is not True and "bucket.letterbox.invalid" in link.evidence


def test_a_bucket_that_is_not_there(tmp_path: Path, engine: Engine) -> None:
    with bucket(tmp_path, engine, f"{engine.endpoint}/nobodys") as path:
        link = broken(ask(path, "bucket"), "bucket key")
        assert link.is_broken and "there is no bucket nobodys: mail is deferred with 451" in link.evidence


def test_a_certificate_of_an_unknown_authority(tmp_path: Path, engine: Engine) -> None:
    with stranger(tmp_path) as url, bucket(tmp_path, engine, url) as path:
        link = broken(ask(path, "bucket"), "bucket TLS")
        assert link.is_broken and "self-signed certificate" in link.evidence
        assert answers(path).well is False


def test_a_port_at_which_nobody_listens(tmp_path: Path, engine: Engine) -> None:
    with bucket(tmp_path, engine, f"http://127.0.0.1:{free_port()}/mail") as path:
        link = broken(ask(path, "disk"), "bucket TLS")
        assert link.is_broken and "refused: mail waits on this disk" in link.evidence


def skewed(gate: Gateway) -> None:
    gate.every(Fault.SKEWED, "GET")


def taken_back(gate: Gateway) -> None:
    gate.every(Fault.BAD_KEY, "GET")


def unconditional(gate: Gateway) -> None:
    gate.every(Fault.NO_CONDITIONS, "PUT")


def read_only(gate: Gateway) -> None:
    gate.every(Fault.BAD_SIGNATURE, "PUT")


@pytest.mark.parametrize(
    ("fault", "name", "evidence"),
    [
        (skewed, "bucket clock", "RequestTimeTooSkewed"),
        (taken_back, "bucket key", "InvalidAccessKeyId"),
        (read_only, "bucket key", "SignatureDoesNotMatch"),
        (unconditional, "bucket writes", "in spite of If-None-Match"),
    ],
)
def test_a_store_that_refuses(
    tmp_path: Path, engine: Engine, gate: Gateway, fault: Callable[[Gateway], None], name: str, evidence: str
) -> None:
    fault(gate)
    with bucket(tmp_path, engine, gate.url("mail")) as path:
        link = broken(ask(path, "bucket"), name)
        assert link.is_broken and evidence in link.evidence, link
        found = answers(path)
        assert found.well is False and evidence in found.words


def test_a_key_whose_secret_is_another(tmp_path: Path, engine: Engine) -> None:
    with bucket(tmp_path, engine, engine.url, "another") as path:
        link = broken(ask(path, "bucket"), "bucket key")
        assert link.is_broken and "another" not in link.evidence


def test_a_store_that_gives_no_answer_is_unknown(tmp_path: Path, engine: Engine, gate: Gateway) -> None:
    gate.every(Fault.HANG, "GET")
    with bucket(tmp_path, engine, gate.url("mail")) as path:
        assert broken(ask(path, "bucket", DEADLINE), "bucket key").is_unknown
        assert answers(path).well is None


def test_a_process_that_is_not_there_is_broken_and_one_that_hangs_is_unknown(
    tmp_path: Path, engine: Engine
) -> None:
    with service(tmp_path / "bucket", [engine.url], engine.key, engine.secret) as running:
        assert running.process
        running.process.send_signal(signal.SIGSTOP)
        (hung,) = ask(running.socket, "bucket", patience=0.3)
        running.end(signal.SIGKILL)
        (gone,) = ask(running.socket, "bucket")
        running.socket.unlink(missing_ok=True)
        (missing,) = ask(running.socket, "bucket")
    assert [each.holds for each in (hung, gone, missing)] == [None, False, False]
    assert "refused" in gone.evidence and "No such file" in missing.evidence
    assert answers(running.socket, patience=0.3).well is None
