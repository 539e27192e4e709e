"""Several workers act as one receiver, for senders and the service manager, and when one of them dies."""

from __future__ import annotations

import os
import re
import signal
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from receiver.__main__ import main
from tests.receiver.certificates import make_certificate
from tests.receiver.processes import DEADLINE, ended, wait_until
from tests.receiver.server import Server
from tests.receiver.wire import Client

SERVES = "event=listening"
LATE = """
import sys
from receiver.__main__ import main
from receiver.serving import workers
workers._PAUSE = 3600.0
sys.exit(main())
"""


@contextmanager
def alone(server: Server, worker: int) -> Iterator[None]:
    """Stop all other workers, so that this worker takes the next connection."""
    others = [each for each in server.workers() if each != worker]
    for each in others:
        os.kill(each, signal.SIGSTOP)
        wait_until(lambda each=each: _state(each) == "T", f"{each} stands still")  # type: ignore[misc]
    try:
        yield
    finally:
        for each in others:
            os.kill(each, signal.SIGCONT)


@contextmanager
def nobody_is_replaced(server: Server) -> Iterator[None]:
    """Stop the supervisor, which replaces a worker a second after it died."""
    server.process.send_signal(signal.SIGSTOP)
    wait_until(lambda: _state(server.process.pid) == "T", "the supervisor stands still")
    try:
        yield
    finally:
        server.process.send_signal(signal.SIGCONT)


def _state(process: int) -> str:
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]


def send(server: Server) -> int:
    """Send a message over a new connection. Returns the process that took it."""
    with server.client() as client:
        client.begin()
        client.send(b"Subject: x\r\n\r\n.\r\n")
        taken = re.fullmatch(r"250 2.0.0 Stored as M\d+P(\d+)Q\d+R\w+", client.expect(250))
        assert taken
        return int(taken[1])


def test_each_worker_takes_mail(serve: Callable[..., Server]) -> None:
    server = serve(workers=2)
    workers = server.workers()
    assert len(workers) == 2
    for worker in workers:
        with alone(server, worker):
            assert send(server) == worker
    assert len(server.messages()) == 2
    assert server.log_to_the_end().count("event=stopped") == 2


@pytest.mark.parametrize(
    ("limit", "address", "refusal"),
    [
        ("connections", "127.0.{}.1", "421 4.3.2"),
        ("connections_per_address", "127.0.1.1", "421 4.7.0 Too many connections from your address"),
        ("connections_per_network", "127.0.1.{}", "421 4.7.0 Too many connections from your network"),
    ],
)
def test_limits_count_the_connections_of_all_workers(
    serve: Callable[..., Server], limit: str, address: str, refusal: str
) -> None:
    server = serve(workers=2, limits={limit: 3})
    first, second = server.workers()
    kept = []
    for number, worker in enumerate((first, first, second), 1):
        with alone(server, worker):
            kept.append(Client(server.port, address.format(number)))
            kept[-1].expect(220)
    for worker in (first, second):
        with alone(server, worker), Client(server.port, address.format(4)) as refused:
            refused.expect(refusal)
    kept[0].ask("QUIT", 221)
    assert kept[0].closed()
    with alone(server, second):
        wait_until(lambda: Client(server.port, address.format(4)).reply().startswith("220"), "there is room")


def test_sigterm_lets_every_worker_finish_and_answers_421_to_idle_senders(
    serve: Callable[..., Server],
) -> None:
    server = serve(workers=2)
    idle, writing = [], []
    for worker in server.workers():
        with alone(server, worker):
            idle.append(server.client())
            writing.append(server.client())
            writing[-1].begin()
            writing[-1].send(b"Subject: under way\r\n\r\n")
    server.process.send_signal(signal.SIGTERM)
    for client in idle:
        client.expect("421 4.3.2")
        assert client.closed()
    with pytest.raises(ConnectionError):
        Client(server.port).line()
    for client in writing:
        client.send(b"body\r\n.\r\n")
        client.expect("250 2.0.0")
    assert server.stop() == 0
    assert len(server.messages()) == 2


def test_sighup_reloads_the_certificate_in_every_worker(
    serve: Callable[..., Server], manager: socket.socket, tmp_path: Path
) -> None:
    files = make_certificate(tmp_path, "mx.example.test")
    variables = {"NOTIFY_SOCKET": manager.getsockname()}
    server = serve(workers=2, certificate=files, variables=variables)
    assert manager.recv(4096).startswith(b"READY=1\n")
    new = ssl.PEM_cert_to_DER_cert(make_certificate(tmp_path, "mx.example.test")[0].read_text())
    server.process.send_signal(signal.SIGHUP)
    assert manager.recv(4096).startswith(b"RELOADING=1\nMONOTONIC_USEC=")
    assert manager.recv(4096) == b"READY=1"
    for worker in server.workers():
        with alone(server, worker), server.client() as client:
            client.starttls()
            assert isinstance(client.socket, ssl.SSLSocket)
            assert client.socket.getpeercert(binary_form=True) == new
    assert server.log_to_the_end().count("event=certificate reloaded") == 2
    assert manager.recv(4096) == b"STOPPING=1"


def test_a_reload_is_over_when_the_last_worker_has_reloaded(
    serve: Callable[..., Server], manager: socket.socket, certificate: tuple[Path, Path]
) -> None:
    server = serve(workers=2, certificate=certificate, variables={"NOTIFY_SOCKET": manager.getsockname()})
    assert manager.recv(4096).startswith(b"READY=1\n")
    with alone(server, server.workers()[0]):
        for times in (1, 2):
            server.process.send_signal(signal.SIGHUP)
            assert manager.recv(4096).startswith(b"RELOADING=1\n")
            server.wait_for_lines("event=certificate reloaded", times)
    assert manager.recv(4096) == b"READY=1"


def test_a_killed_worker_is_replaced_and_its_connections_no_longer_count(
    serve: Callable[..., Server], manager: socket.socket
) -> None:
    variables = {"NOTIFY_SOCKET": manager.getsockname()}
    server = serve(workers=2, limits={"connections": 2}, variables=variables)
    assert manager.recv(4096).startswith(b"READY=1\n")
    killed, other = server.workers()
    with alone(server, killed):
        clients = [server.client(), server.client()]
    with alone(server, other), Client(server.port) as refused:
        refused.expect("421 4.3.2")
    os.kill(killed, signal.SIGKILL)
    server.wait_for_log(rf"event=error worker={killed} code=-9 note=")
    with nobody_is_replaced(server), alone(server, other):  # another one may have its place already
        assert send(server) == other
    for client in clients:
        assert client.closed()
    server.wait_for_lines(SERVES, 3)
    (new,) = set(server.workers()) - {other}
    assert new != killed
    with alone(server, new):
        assert send(server) == new
    assert server.stop() == 0
    assert manager.recv(4096) == b"STOPPING=1"  # it was ready all the time


def test_mail_goes_on_when_all_workers_die_at_once(serve: Callable[..., Server]) -> None:
    server = serve(workers=2)
    killed = server.workers()
    for worker in killed:
        os.kill(worker, signal.SIGKILL)
    assert send(server) not in killed
    server.wait_for_lines(SERVES, 4)
    assert len(server.workers()) == 2


def test_workers_end_with_a_supervisor_that_is_killed(serve: Callable[..., Server]) -> None:
    server = serve(workers=2)
    workers = server.workers()
    server.stop(signal.SIGKILL)
    wait_until(lambda: all(map(ended, workers)), "the workers have ended")
    with pytest.raises(ConnectionRefusedError):
        Client(server.port)


def test_a_worker_that_cannot_start_ends_all_as_it_would_end_a_single_receiver(
    serve: Callable[..., Server], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = make_certificate(tmp_path, "mx.example.test")
    server = serve(workers=2, certificate=files)
    files[0].unlink()
    os.kill(server.workers()[0], signal.SIGKILL)
    assert server.process.wait(DEADLINE) == 78
    assert main(["serve", "--config", str(server.folder / "letterbox.toml")]) == 78
    said = capsys.readouterr().err
    assert said.endswith(f"tls.certificate: {files[0]}: No such file or directory\n")
    assert server.log.count(said) == 1
    assert server.log.count("event=stopped") == 1  # the other one, in good order


def test_sigterm_before_a_worker_is_replaced_ends_all_processes(serve: Callable[..., Server]) -> None:
    server = serve(workers=2, program=("-c", LATE))
    os.kill(server.workers()[0], signal.SIGKILL)
    server.wait_for_log("note=")
    log = server.log_to_the_end()
    assert log.count(SERVES) == 2
