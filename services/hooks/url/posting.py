"""Posting a message to the URL of a hook.

The name in the URL is looked up for each try. Each address is checked, and the connection goes to an address
that was checked. So a name whose records change in between leads nowhere else (DNS rebinding), and neither
does an address that is written in an odd way. No redirect is followed, and no proxy of the environment is
used.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import mmap
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from receiver.reading import stored
from services.hooks.configuration import Url
from services.hooks.credentials import Credentials
from services.hooks.errors import one_line
from services.hooks.messages.envelope import file_of
from services.hooks.messages.reader import Reader
from services.hooks.outcome import Outcome, Vanished
from services.hooks.schedule import Failure
from services.hooks.url import answers, request
from services.hooks.url.addresses import refusal

LONGEST = 15.0  # seconds for a request and its whole answer
_CONNECT = 5.0  # seconds for one address
_OCTETS_A_SECOND = 262_144  # A large message may take longer by this rate.
_MOST_ANSWER = 65_536  # octets of an answer that are read
_BLOCK = 65_536

Resolve = Callable[[str, int], list[str]]


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a name, in the order of getaddrinfo(3). Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


class Poster:
    """Posts messages. May be called by several threads. `now` returns seconds since 1970."""

    def __init__(
        self,
        hook: Url,
        credentials: Credentials,
        reader: Reader | None,
        now: Callable[[], float] = time.time,
        resolve: Resolve = resolve,
        longest: float = LONGEST,
    ) -> None:
        self._hook, self._credentials, self._reader = hook, credentials, reader
        self._now, self._resolve, self._longest = now, resolve, longest
        self._tls = ssl.create_default_context() if hook.endpoint.scheme == "https" else None

    def __call__(self, name: str, path: str) -> Outcome:
        """Try to deliver the entry NAME of the queue, which is at `path`.

        Raises OSError if the message cannot be read.
        """
        try:
            body = self._reader.describe(name, path) if self._reader else stored.content(file_of(name, path))
        except FileNotFoundError:
            return Vanished()
        try:
            return self._post(name, body)
        finally:
            if isinstance(body, mmap.mmap):
                body.close()

    def _post(self, name: str, body: bytes | mmap.mmap) -> Outcome:
        until = time.monotonic() + self._longest + len(body) / _OCTETS_A_SECOND
        try:
            connection = self._connected(until)
        except (_NotReached, HTTPError) as error:
            return Failure(one_line(str(error)))
        cut = threading.Timer(max(0.0, until - time.monotonic()), _shut, [connection.sock])
        cut.daemon = True
        cut.start()
        try:
            return self._exchange(connection, name, body)
        except TimeoutError:
            return Failure(self._late())
        except (HTTPError, http.client.HTTPException, OSError, ValueError) as error:
            is_late = time.monotonic() >= until
            return Failure(self._late() if is_late else f"no whole answer: {_words(error)}")
        finally:
            cut.cancel()
            connection.close()

    def _late(self) -> str:
        return f"no whole answer within {self._longest:g} s"

    def _connected(self, until: float) -> HTTPConnection:
        """A connection to one of the addresses that may be connected to. Raises _NotReached."""
        endpoint = self._hook.endpoint
        try:
            addresses = self._resolve(endpoint.host, endpoint.port)
        except (OSError, UnicodeError) as error:
            raise _NotReached(f"{endpoint.host} has no address: {_words(error)}") from None
        refused = [
            f"{each} {why}"
            for each in addresses
            if (why := refusal(each, allow_private=self._hook.allow_private))
        ]
        allowed = [each for each in addresses if not refusal(each, allow_private=self._hook.allow_private)]
        if not allowed:
            raise _NotReached(f"{endpoint.host} leads to no allowed address: {', '.join(refused) or 'none'}")
        failed = ""
        for address in allowed:
            left = until - time.monotonic()
            if left <= 0:
                break
            connection = self._connection(address, min(_CONNECT, left))
            try:
                connection.connect()  # Python's limit holds for the whole handshake of TLS.
                connection.sock.settimeout(max(0.1, until - time.monotonic()))
                return connection
            except (HTTPError, OSError) as error:
                connection.close()
                failed = f"{address} port {endpoint.port}: {_words(error)}"
        raise _NotReached(f"cannot connect to {failed or endpoint.host}")

    def _connection(self, address: str, seconds: float) -> HTTPConnection:
        endpoint = self._hook.endpoint
        if self._tls is None:
            return _Plain(address, endpoint.port, timeout=seconds)
        # The certificate must be for the name in the URL, which is also what SNI says.
        return _Encrypted(
            address, endpoint.port, timeout=seconds, ssl_context=self._tls, server_hostname=endpoint.host
        )

    def _exchange(self, connection: HTTPConnection, name: str, body: bytes | mmap.mmap) -> Outcome:
        """Send the request and read the whole answer. Raises what http.client and urllib3 raise."""
        hook = self._hook
        fields = request.fields(
            self._credentials, hook.endpoint.authority, hook.form, name, self._now(), _blocks(body), len(body)
        )
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            # A target may answer, for example 413, before it has read all.
            connection.request(
                "POST",
                hook.endpoint.path,
                body=_blocks(body),
                headers=fields,
                preload_content=False,
                decode_content=False,
            )
        answer = connection.getresponse()
        read = 0
        while read < _MOST_ANSWER and (block := answer.read(_BLOCK, decode_content=False)):
            read += len(block)
        headers = answer.headers
        return answers.outcome(
            answer.status, headers.get("Retry-After"), headers.get("Location"), self._now()
        )


class _NotReached(Exception):
    """There is no connection. `str` is the reason."""


class _Head:
    """The lines of an answer's head. `is_cut` is whether the last one that was read has no end."""

    def __init__(self, file: io.BufferedIOBase) -> None:
        self._file = file
        self.is_cut = False

    def readline(self, limit: int = -1) -> bytes:
        line = self._file.readline(limit)
        self.is_cut = not line.endswith(b"\n")
        return line

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


class _WholeHead(http.client.HTTPResponse):
    """An answer whose head must have its end. The standard library takes the end of the stream for it."""

    def begin(self) -> None:
        file = self.fp
        self.fp = head = _Head(file)  # type: ignore[assignment]
        super().begin()
        if self.fp is head:  # type: ignore[comparison-overlap]
            self.fp = file
        if head.is_cut:
            raise http.client.IncompleteRead(b"")


class _Plain(HTTPConnection):
    response_class = _WholeHead


class _Encrypted(HTTPSConnection):
    response_class = _WholeHead


def _blocks(body: bytes | mmap.mmap) -> Iterator[bytes]:
    for start in range(0, len(body), _BLOCK):
        yield body[start : start + _BLOCK]


def _shut(opened: socket.socket) -> None:
    """End a connection that another thread waits for. SSLSocket's own method would drop its state first."""
    with contextlib.suppress(OSError):
        socket.socket.shutdown(opened, socket.SHUT_RDWR)


def _words(error: BaseException) -> str:
    """An error of the network in words, without the objects that urllib3 names in it."""
    while error.__cause__ is not None and not isinstance(error, OSError):
        error = error.__cause__
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate does not hold: {error.verify_message}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if isinstance(error, http.client.IncompleteRead) or "IncompleteRead" in str(error):
        return "it was cut off"
    return one_line(str(error).rpartition(": ")[2]) or type(error).__name__
