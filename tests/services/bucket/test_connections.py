"""The socket of the service: hostile packets, descriptors, clients that go away, and too much at once."""

from __future__ import annotations

import errno
import os
import socket
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from receiver.bucket import protocol
from receiver.bucket.client import Client, connect, memfd
from receiver.bucket.protocol import Put
from receiver.mailbox import Mailbox
from tests.bucket.gateway import Fault, Gateway
from tests.bucket.service import Service
from tests.services.bucket.messages import TRACE, content, copy, file_name, objects, put
from tests.waiting import wait_until

SHORT = (
    b'{"n":1,"op":"put","name":"x","sender":"unknown","copies":[["a.example","b",0]],"trace":0,"size":9%s}\n'
)


@pytest.fixture
def connected(bucket: Service) -> Iterator[socket.socket]:
    with connect(str(bucket.socket), 60) as open_one:
        yield open_one


def descriptors(bucket: Service) -> int:
    """How many descriptors of clients, files and memfds the service has open."""
    assert bucket.process
    folder = Path(f"/proc/{bucket.process.pid}/fd")
    targets = []
    for each in folder.iterdir():
        try:
            targets.append(str(each.readlink()))
        except FileNotFoundError:
            continue
    return sum("memfd:" in each or "/staged" in each or each.startswith("pipe:") for each in targets)


@pytest.mark.parametrize(
    ("packet", "fds"),
    [
        (b"nonsense", 0),
        (b"[1]\n", 0),
        (b'{"n":1}\n', 0),
        (b'{"n":"x","op":"check"}\n', 0),
        (b'{"n":1,"op":"delete","key":"x"}\n', 0),
        (b'{"n":1,"op":"get","key":"a\\u0000b"}\n', 0),
        (b'{"n":1,"op":"get"}\n', 1),
        (b"x" * (protocol.MAX_PACKET + 1), 0),
        (b"x" * (protocol.MAX_PACKET + 1), 1),
        (b'{"n":1,"op":"head","key":"x"}\n', 3),
        (SHORT % b"", 0),  # Its content is missing.
        (SHORT % b"" + b"123456789", 1),  # a descriptor that nobody asked for
        (SHORT % b',"at":0', 0),
        (SHORT % b',"at":0', 2),
        (SHORT % b',"at":1', 1),  # one octet too few in the descriptor
        (SHORT % b',"at":0,"hour":"x"', 1),
        (b'{"n":1,"op":"put","lead":3}\n', 0),
        (b'{"n":1,"op":"put","lead":3}\n', 1),
        (b'{"n":1,"op":"put","lead":99999999999}\n', 1),
    ],
)
def test_a_malformed_packet_closes_its_connection_and_leaks_nothing(
    bucket: Service, client: Client, connected: socket.socket, packet: bytes, fds: int
) -> None:
    given = [memfd(b"123456789") for _ in range(fds)]
    socket.send_fds(connected, [packet], given)
    for fd in given:
        os.close(fd)
    with suppress(ConnectionResetError):
        assert connected.recv(1) == b""
    with pytest.raises(FileNotFoundError):
        client.head("another/connection")
    wait_until(lambda: descriptors(bucket) == 0, "all descriptors of the packet are closed")


def test_a_pipe_is_no_content(bucket: Service, client: Client, connected: socket.socket) -> None:
    read, write = os.pipe()
    try:
        before = descriptors(bucket)
        socket.send_fds(connected, [SHORT % b',"at":0'], [read])
        assert connected.recv(1) == b""
        wait_until(lambda: descriptors(bucket) == before, "the pipe is closed")
    finally:
        os.close(read)
        os.close(write)


def test_a_client_that_hangs_up_loses_nothing_but_its_answer(
    bucket: Service, gate: Gateway, client: Client, bob: Mailbox
) -> None:
    gate.delay = 0.5
    message = TRACE + content(100_000)
    packet, _ = protocol.pack_put(1, Put(file_name(), "unknown", [copy(bob)], 0, len(message)), None)
    fd = memfd(message)
    with connect(str(bucket.socket), 5) as leaving:
        socket.send_fds(leaving, [packet], [fd])
    os.close(fd)
    wait_until(
        lambda: list(objects(client, bob.domain).values()) == [copy(bob).fields + message], "it is stored"
    )
    wait_until(lambda: descriptors(bucket) == 0, "all descriptors are closed")


def test_many_requests_of_one_connection_are_answered_in_any_order(
    connected: socket.socket, gate: Gateway, client: Client, bob: Mailbox
) -> None:
    seen = gate.puts
    gate.at(1, Fault.HANG)
    for number in range(40):
        message = content(5000)
        put_ = Put(file_name(), "unknown", [copy(bob)], 0, len(message))
        connected.send(protocol.pack_put(number, put_, [message])[0])
        wait_until(lambda: gate.puts > seen, "the PUT that hangs is that of the first request")
    replies = [protocol.unpack(connected.recv(protocol.MAX_REPLY))[0] for _ in range(40)]
    assert sorted(each["n"] for each in replies) == list(range(40))
    assert {each["errno"] for each in replies} == {0}
    assert replies[0]["n"] != 0, "the one whose PUT hung holds up no other"
    assert len(objects(client, bob.domain)) == 40


def test_what_is_under_way_is_bounded_and_the_rest_is_refused_in_time(
    bucket: Service, connected: socket.socket, gate: Gateway, client: Client, bob: Mailbox
) -> None:
    """Thirty messages of 25 MB at once, at a store that hangs: two are under way, and the rest waits."""
    gate.every(Fault.HANG)
    gate.every(Fault.HANG, "HEAD")
    message = content(26_214_400)
    fd = memfd(message)
    for number in range(30):
        put_ = Put(file_name(), "unknown", [copy(bob)], 0, len(message))
        socket.send_fds(connected, [protocol.pack_put(number, put_, None)[0]], [fd])
    os.close(fd)
    heads = [protocol.unpack(connected.recv(protocol.MAX_REPLY))[0] for _ in range(30)]
    replies = Counter(each["errno"] for each in heads)
    assert replies.keys() == {errno.ENOBUFS, errno.ETIMEDOUT}, Counter(map(str, heads))
    assert replies[errno.ETIMEDOUT] == 2
    assert bucket.process
    status = Path(f"/proc/{bucket.process.pid}/status").read_text()
    peak = int(status.split("VmHWM:")[1].split()[0]) // 1024
    assert peak < 256, f"{peak} MiB"
    gate.heal()
    put(client, content(), bob)
    wait_until(lambda: descriptors(bucket) == 0, "all descriptors are closed")


def test_a_client_that_slept_too_long_still_says_that_the_service_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sleep = time.sleep
    monkeypatch.setattr(time, "sleep", lambda seconds: sleep(seconds + 0.5))  # as a busy machine does
    with Client(tmp_path / "none", 0.5) as client, pytest.raises(FileNotFoundError, match="is not there"):
        client.head("x")


def test_a_client_waits_for_a_service_that_is_not_there_yet_and_no_longer(tmp_path: Path) -> None:
    with Client(tmp_path / "none", 0.5) as client, pytest.raises(OSError, match="is not there"):
        client.head("x")
