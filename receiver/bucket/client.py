"""Asking `letterbox-bucket` for something and waiting for the answer: for programs that do one at a time.

Errors are OSError. What the store does not have is FileNotFoundError. If the service goes away, or is not
there yet, a request is made again until its time is up, because each may be made twice.
"""

from __future__ import annotations

import errno
import json
import os
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, NamedTuple

from receiver.bucket import protocol
from receiver.bucket.protocol import Copy, Link, Put, Sender

TIMEOUT = 20.0  # seconds; the service answers within 15
_AGAIN = 0.2  # seconds after which a connection is tried again


class Content(NamedTuple):
    """Content in an open file: `size` octets from the offset `at`."""

    fd: int
    at: int
    size: int


class Listed(NamedTuple):
    """An object in a listing. `modified` is in seconds since 1970."""

    key: str
    size: int
    modified: float


@dataclass(frozen=True, slots=True)
class Head:
    """What is known of an object: the name of its file, its sender, and its octets."""

    name: str
    sender: str
    size: int


class Client:
    """A client of the socket at `path`, for one thread. Each request ends within `timeout` seconds."""

    def __init__(self, path: str | os.PathLike[str], timeout: float = TIMEOUT) -> None:
        self._path = os.fspath(path)
        self._timeout = timeout
        self._socket: socket.socket | None = None
        self._number = 0

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if self._socket:
            self._socket.close()
        self._socket = None

    def put(
        self,
        name: str,
        copies: Sequence[Copy],
        content: bytes | Content,
        *,
        trace: int,
        sender: Sender = "unknown",
        hour: str = "",
    ) -> list[str]:
        """Store a message, and return the tails of its copies' keys. `trace` octets of content are our trace.

        The content has no fields of a single copy. See `protocol.Put` for the other arguments.
        """
        if isinstance(content, bytes) and len(content) > protocol.MAX_INLINE:
            fd = memfd(content)
            try:
                content = Content(fd, 0, len(content))
                return self.put(name, copies, content, trace=trace, sender=sender, hour=hour)
            finally:
                os.close(fd)
        number = self._next()
        if isinstance(content, bytes):
            put = Put(name, sender, copies, trace, len(content), 0, hour)
            packet, lead = protocol.pack_put(number, put, [content])
        else:
            put = Put(name, sender, copies, trace, content.size, content.at, hour)
            packet, lead = protocol.pack_put(number, put, None)
        fds = [memfd(lead)] if lead else []
        try:
            head, _ = self._ask(packet, fds if isinstance(content, bytes) else [*fds, content.fd])
        finally:
            _close(fds)
        return list(head.get("tails", ()))

    def list(self, prefix: str, after: str = "") -> Iterator[Listed]:
        """The objects whose keys begin with the prefix, which ends in `/` or is empty, by their keys."""
        while True:
            head, fd = self._request("list", prefix=prefix, after=after)
            with _file(head, fd) as lines:
                for line in lines:
                    found = Listed(*json.loads(line))
                    after = found.key
                    yield found
            if not head.get("more"):
                return

    def get(self, key: str) -> tuple[Head, BinaryIO]:
        """An object, and a file of its octets, which the caller closes."""
        head, fd = self._request("get", key=key)
        file = _file(head, fd)
        return _head(head), file

    def head(self, key: str) -> Head:
        """What is known of an object."""
        return _head(self._request("head", key=key)[0])

    def check(self) -> Sequence[Link]:
        """Try the store. Returns the links in their order."""
        head, _ = self._request("check")
        try:
            return protocol.unpack_links(head)
        except protocol.ProtocolError as error:
            raise OSError(errno.EPROTO, str(error), self._path) from None

    def _next(self) -> int:
        self._number += 1
        return self._number

    def _request(self, op: str, **values: str) -> tuple[dict[str, Any], int]:
        return self._ask(protocol.pack({"n": self._next(), "op": op, **values}), [])

    def _ask(self, packet: bytes, fds: Sequence[int]) -> tuple[dict[str, Any], int]:
        """Send the request of the newest number. Returns its reply, and a descriptor or -1.

        Raises OSError with the reply's errno, or ETIMEDOUT.
        """
        late = time.monotonic() + self._timeout
        gone: OSError | None = None  # why the last connection was none
        while True:
            try:
                head, fd = self._try(packet, fds, late)
                break
            except TimeoutError:
                was_there = self._socket is not None
                self.close()
                if gone and not was_there:  # Its time was up before it could be tried again.
                    raise gone from None
                raise TimeoutError(errno.ETIMEDOUT, "no answer in time", self._path) from None
            except (ConnectionError, FileNotFoundError, BlockingIOError) as error:
                self.close()
                gone = OSError(error.errno or errno.ECONNRESET, "is not there", self._path)
                if time.monotonic() + _AGAIN > late:
                    raise gone from None
                time.sleep(_AGAIN)
            except BaseException:
                self.close()
                raise
        if code := head.get("errno"):
            _close([fd])
            raise OSError(code, head.get("error") or os.strerror(code))
        return head, fd

    def _try(self, packet: bytes, fds: Sequence[int], late: float) -> tuple[dict[str, Any], int]:
        if self._socket is None:
            self._socket = connect(self._path, _left(late))
        connected = self._socket
        connected.settimeout(_left(late))
        socket.send_fds(connected, [packet], fds)
        while True:
            connected.settimeout(_left(late))
            reply, got, *_ = socket.recv_fds(connected, protocol.MAX_REPLY, 1)
            if not reply:
                _close(got)
                raise ConnectionResetError(errno.ECONNRESET, "hung up")
            try:
                head, _ = protocol.unpack(reply)
            except protocol.ProtocolError as error:
                _close(got)
                raise OSError(errno.EPROTO, str(error), self._path) from None
            if head.get("n") == self._number:
                return head, got[0] if got else -1
            _close(got)  # the reply to a request that was given up


def connect(path: str, timeout: float | None) -> socket.socket:
    """A connection to the service. Raises OSError."""
    connected = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, protocol.SEND_BUFFER)
        connected.settimeout(timeout)
        connected.connect(path)
    except BaseException:
        connected.close()
        raise
    return connected


def memfd(octets: bytes) -> int:
    """A descriptor of a file in memory with these octets, for a packet. The caller closes it."""
    fd = os.memfd_create("letterbox", os.MFD_CLOEXEC)
    try:
        left = memoryview(octets)
        while left:
            left = left[os.write(fd, left) :]
    except BaseException:
        os.close(fd)
        raise
    return fd


def _left(late: float) -> float:
    left = late - time.monotonic()
    if left <= 0:
        raise TimeoutError(errno.ETIMEDOUT, "too late")
    return left


def _head(head: Mapping[str, Any]) -> Head:
    return Head(str(head.get("name", "")), str(head.get("sender", "")), int(head.get("size", 0)))


def _file(head: Mapping[str, Any], fd: int) -> BinaryIO:
    if fd < 0:
        raise OSError(errno.EPROTO, "a reply came without its descriptor")
    file = os.fdopen(fd, "rb")
    file.seek(0)
    return file


def _close(fds: Sequence[int]) -> None:
    for fd in fds:
        if fd >= 0:
            os.close(fd)
