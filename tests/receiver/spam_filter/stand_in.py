"""A stand-in for rspamd: it takes one request at a time on a Unix socket, and answers as a test says."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

# As rspamd 4.1.5 sent it.
GTUBE = (
    b'{"passthrough_module":"GTUBE","is_skipped":true,"score":15.0,"required_score":15.0,"action":"reject",'
    b'"thresholds":{"reject":15.0,"add header":6.0,"greylist":4.0},"symbols":{"GTUBE":{"name":"GTUBE",'
    b'"score":0.0,"metric_score":0.0}},"messages":{"smtp_message":"Gtube pattern"},"message-id":"undef",'
    b'"time_real":0.185600}'
)

Behaviour = Callable[[socket.socket], None]


def request_on(connection: socket.socket) -> tuple[bytes, bytes]:
    """Read one whole request: its head, and the message."""
    octets = b""
    while b"\r\n\r\n" not in octets and (piece := connection.recv(65_536)):
        octets += piece
    head, _, message = octets.partition(b"\r\n\r\n")
    size = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    while len(message) < size and (piece := connection.recv(65_536)):
        message += piece
    return head, message


def replying(*pieces: bytes) -> Behaviour:
    """Read the request, and send these octets."""

    def behave(connection: socket.socket) -> None:
        request_on(connection)
        for piece in pieces:
            connection.sendall(piece)

    return behave


def answer(action: str = "no action", score: str = "1.5", more: str = "") -> bytes:
    """The object in a reply. `more` are further members of it."""
    return (
        f'{{"is_skipped":false,"score":{score},"required_score":15.0,"action":"{action}",'
        f'"thresholds":{{"reject":15.0,"rewrite subject":null,"add header":6.0,"greylist":4.0}},'
        f'"symbols":{{"MIME_GOOD":{{"score":-0.1,"options":["text/plain,\\"urls\\":["]}}}}{more}}}'
    ).encode()


def result(answer: bytes, status: bytes = b"200 OK") -> bytes:
    """A whole reply, as rspamd sends it."""
    head = b"HTTP/1.1 %b\r\nConnection: close\r\nServer: rspamd/4.1.5\r\nContent-Length: %d\r\n" % (
        status,
        len(answer),
    )
    return head + b"Content-Type: application/json\r\n\r\n" + answer


def silent(connection: socket.socket) -> None:
    request_on(connection)
    connection.recv(1)  # returns when the other side hangs up


def deaf(connection: socket.socket) -> None:
    """Read nothing until the other side hangs up, so that no large message can be sent whole."""
    waiting = select.poll()
    waiting.register(connection, 0)  # it tells of a hang-up all the same
    waiting.poll()


def slow(connection: socket.socket) -> None:
    """Never pause for long, and never end."""
    request_on(connection)
    while True:
        connection.sendall(b"H")
        time.sleep(0.02)


@contextlib.contextmanager
def rspamd(path: Path, behave: Behaviour) -> Iterator[list[threading.Thread]]:
    """Listen on the socket `path`. `behave` gets each connection, which is closed when it returns.

    Gives the threads of the connections so far.
    """
    threads: list[threading.Thread] = []

    def serve(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            behave(connection)

    def accept(listening: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                threads.append(threading.Thread(target=serve, args=(listening.accept()[0],)))
                threads[-1].start()

    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen(128)
        accepting = threading.Thread(target=accept, args=(listening,))
        accepting.start()
        try:
            yield threads
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            accepting.join()
            for thread in threads:
                thread.join()
            path.unlink()
