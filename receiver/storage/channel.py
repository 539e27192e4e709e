"""The protocol between a receiver and its writer: requests to store messages, and their results.

Both are octets over a socket pair, which may arrive in any pieces. Each request has a number, and its result
has the same number. Results come in any order.
"""

from __future__ import annotations

import contextlib
import socket
import struct
from collections.abc import Iterator, Sequence

from receiver.storage.log.record import Copy, Record, pack_names, parse_body

# A request is its number, the octets of the record's names and of its message, and then both.
_REQUEST = struct.Struct("<III")
_RESULT = struct.Struct("<II")  # the number of the request, and an errno, or 0 if the message is durable
READY = 0  # the number of the first result, which belongs to no request
_READ = 262_144  # octets


def pack_request(number: int, name: str, copies: Sequence[Copy], content: Sequence[bytes]) -> bytes:
    """A request to store a message. `number` is below 2**32. `content` is in pieces."""
    names = pack_names(name, copies)
    fields = [copy.fields for copy in copies]
    size = sum(map(len, fields)) + sum(map(len, content))
    return b"".join((_REQUEST.pack(number, len(names), size), names, *fields, *content))


def pack_result(number: int, error: int) -> bytes:
    """The result of the request with that number: an errno, or 0 if the message is durable."""
    return _RESULT.pack(number, error)


class RequestDecoder:
    """Turns octets into requests, on the writer's side."""

    def __init__(self) -> None:
        self._octets = b""

    def decode(self, octets: bytes) -> list[tuple[int, Record]]:
        """The requests that are complete with these octets: number and message."""
        octets, at = self._octets + octets, 0
        found: list[tuple[int, Record]] = []
        while len(octets) - at >= _REQUEST.size:
            number, names, message = _REQUEST.unpack_from(octets, at)
            start = at + _REQUEST.size
            end = start + names + message
            if end > len(octets):
                break
            found.append((number, parse_body(octets[start:end], names)))
            at = end
        self._octets = octets[at:]
        return found


class ResultDecoder:
    """Turns octets into results, on the receiver's side."""

    def __init__(self) -> None:
        self._octets = b""

    def decode(self, octets: bytes) -> Iterator[tuple[int, int]]:
        """The results that are complete with these octets: the number of the request, and its errno or 0."""
        octets = self._octets + octets
        whole = len(octets) // _RESULT.size * _RESULT.size
        self._octets = octets[whole:]
        return _RESULT.iter_unpack(octets[:whole])


class Channel:
    """The writer's end of the socket pair to one receiver."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._requests = RequestDecoder()

    def fileno(self) -> int:
        return self._socket.fileno()

    def receive(self) -> list[tuple[int, Record]] | None:
        """The requests that have arrived; None if the receiver has hung up."""
        try:
            octets = self._socket.recv(_READ)
        except OSError:
            return None
        return self._requests.decode(octets) if octets else None

    def send(self, results: bytes) -> None:
        # If the receiver has died, its senders got no reply and will try again.
        with contextlib.suppress(OSError):
            self._socket.sendall(results)

    def close(self) -> None:
        self._socket.close()
