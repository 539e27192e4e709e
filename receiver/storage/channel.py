"""How a receiver and its writer talk: messages to be stored, one way, and how each of them ended, the other.

Both are octets over a socket pair, in whatever pieces they arrive. A request has a number, and its reply has
the same: replies come in any order.
"""

from __future__ import annotations

import contextlib
import socket
import struct
from collections.abc import Iterator, Sequence

from receiver.storage.record import Copy, Record, names_of, parse_body

_REQUEST = struct.Struct("<III")  # number, octets of the record's names, of its message; then both
_REPLY = struct.Struct("<II")  # number, errno; 0: it is durable
READY = 0  # the number of the first reply, which answers no request
_READ = 262_144  # octets


def request(number: int, name: str, copies: Sequence[Copy], content: Sequence[bytes]) -> bytes:
    """A request to store a message, whose content is in pieces. `number` is below 2**32."""
    names = names_of(name, copies)
    fields = [copy.fields for copy in copies]
    size = sum(map(len, fields)) + sum(map(len, content))
    return b"".join((_REQUEST.pack(number, len(names), size), names, *fields, *content))


def reply(number: int, error: int) -> bytes:
    """To the request of that number: an errno, 0 where the message is durable."""
    return _REPLY.pack(number, error)


class Requests:
    """The writer's side of them: octets as they come, and what is in them."""

    def __init__(self) -> None:
        self._octets = b""

    def take(self, octets: bytes) -> list[tuple[int, Record]]:
        """With these octets, the messages that have come whole, and their numbers."""
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


class Replies:
    """The receiver's side of the replies."""

    def __init__(self) -> None:
        self._octets = b""

    def take(self, octets: bytes) -> Iterator[tuple[int, int]]:
        """The number of a request and the errno it ended with, 0 for none."""
        octets = self._octets + octets
        whole = len(octets) // _REPLY.size * _REPLY.size
        self._octets = octets[whole:]
        return _REPLY.iter_unpack(octets[:whole])


class Channel:
    """The way to one receiver and back."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._requests = Requests()

    def fileno(self) -> int:
        return self._socket.fileno()

    def hear(self) -> list[tuple[int, Record]] | None:
        """What has come; None when the receiver has hung up."""
        try:
            octets = self._socket.recv(_READ)
        except OSError:
            return None
        return self._requests.take(octets) if octets else None

    def say(self, replies: bytes) -> None:
        with contextlib.suppress(OSError):  # it has died: its senders were told nothing, and try again
            self._socket.sendall(replies)

    def close(self) -> None:
        self._socket.close()
