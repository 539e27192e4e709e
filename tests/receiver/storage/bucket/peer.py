"""The other end of the receiver's connection to `letterbox-bucket`, played by the test, packet by packet."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from receiver.bucket import protocol
from receiver.bucket.protocol import Put
from tests.receiver.processes import DEADLINE, wait_until


@dataclass
class Peer:
    """A socket that listens. `answers` says what is done with each request; each connection has a thread."""

    path: Path
    listening: socket.socket
    got: list[tuple[Put, bytes]] = field(default_factory=list)  # with the whole content
    connected: list[socket.socket] = field(default_factory=list)
    answers: bool = True  # whether each request is answered with 0

    def wait_for(self, number: int) -> None:
        wait_until(lambda: len(self.got) >= number, f"{number} requests")

    def hang_up(self) -> None:
        """End all connections, as the end of the process would. New ones are accepted."""
        for each in self.connected:
            with contextlib.suppress(OSError):  # The receiver has hung up already.
                each.shutdown(socket.SHUT_RDWR)
        self.connected.clear()

    def serve(self) -> None:
        while True:
            try:
                connected, _ = self.listening.accept()
            except OSError:
                return
            self.connected.append(connected)
            threading.Thread(target=self._converse, args=(connected,), daemon=True).start()

    def _converse(self, connected: socket.socket) -> None:
        try:
            while (received := receive(connected)) is not None:
                number, put, content = received
                is_answered = self.answers  # The test may change it as soon as it sees the request.
                self.got.append((put, content))
                if is_answered:
                    connected.send(protocol.pack_reply(number))
        except OSError:
            pass
        finally:
            connected.close()


def receive(connected: socket.socket) -> tuple[int, Put, bytes] | None:
    """The next request with its whole content. None if the receiver has hung up."""
    packet, descriptors, _, _ = socket.recv_fds(
        connected, protocol.MAX_PACKET + 65_536, protocol.MAX_DESCRIPTORS
    )
    if not packet:
        return None
    try:
        head, octets = protocol.unpack(packet)
        if "lead" in head:
            head, octets = protocol.unpack(os.pread(descriptors[0], head["lead"], 0) + octets)
        put, content = protocol.parse_put(head, octets)
        if content is None:
            content = os.pread(descriptors[-1], put.size, put.at)
        return head["n"], put, content
    finally:
        for each in descriptors:
            os.close(each)


def listen(path: Path) -> socket.socket:
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listening.bind(str(path))
    listening.listen()
    listening.settimeout(DEADLINE)
    return listening


@contextmanager
def peer(path: Path) -> Iterator[Peer]:
    """Listen at `path` until the end of the context."""
    listening = listen(path)
    found = Peer(path, listening)
    thread = threading.Thread(target=found.serve, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        found.hang_up()
        path.unlink(missing_ok=True)
        thread.join(DEADLINE)
