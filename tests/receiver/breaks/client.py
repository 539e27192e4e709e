"""A client that plays a dialogue and can break off in four ways.

It sends a reset (RST), closes the connection (FIN), closes its half, or stays silent until the time limits
of the receiver end the connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct

from tests.receiver.breaks.moments import CASES, Case

WAYS = ("rst", "fin", "half", "silence")
LAST = "the last step is done"


class Broken(Exception):
    """The client has broken off."""


class Client:
    """One client in the loop of the receiver. It polls its socket, so that it can break off at any moment."""

    def __init__(self, case: Case, port: int) -> None:
        self._case = case
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        self._socket.bind(("127.0.0.1", 0))
        CASES[self._socket.getsockname()] = case
        case.break_off = self.break_off
        self._socket.connect(("127.0.0.1", port))
        self._socket.setblocking(False)
        self._broken = ""
        self._input = b""
        self._tls: tuple[ssl.MemoryBIO, ssl.MemoryBIO, ssl.SSLObject] | None = None

    def break_off(self, way: str) -> None:
        self._broken = way
        with contextlib.suppress(OSError):  # The receiver may have reset it.
            if way == "rst":
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            if way in ("rst", "fin"):
                self._socket.close()
            elif way == "half":
                self._socket.shutdown(socket.SHUT_WR)

    async def play(self) -> None:
        try:
            for number, (step, argument) in enumerate(self._case.dialogue.steps):
                self._case.moment(f"step {number}: {step}")
                await getattr(self, "_" + step.replace(" ", "_"))(argument)
            self._case.moment(LAST)
        except (Broken, OSError):
            pass
        if self._broken in ("half", "silence"):
            await self._until_closed()
        self._socket.close()

    async def _send(self, octets: bytes) -> None:
        if self._tls:
            self._tls[2].write(octets)
            octets = self._tls[1].read()
        while octets:
            self._check()
            try:
                octets = octets[self._socket.send(octets) :]
            except BlockingIOError:
                await asyncio.sleep(0.001)

    async def _flood(self, octets: bytes) -> None:
        """Send until the receiver cannot send its replies."""
        while "pause_writing" not in self._case.moments:
            sending = asyncio.ensure_future(self._send(octets))
            await asyncio.wait([sending], timeout=0.1)
            sending.cancel()
            self._check()

    async def _expect(self, code: bytes) -> None:
        while code not in self._input:
            await self._receive()
        self._input = b""
        if not code:
            await self._receive()

    async def _end(self, _: bytes) -> None:
        await self._until_closed()

    async def _pause(self, _: bytes) -> None:
        for _ in range(20):
            self._check()
            await asyncio.sleep(0.001)

    async def _hello(self, _: bytes) -> None:
        octets = self._hello_octets()
        await self._send_plain(octets)

    async def _half_hello(self, _: bytes) -> None:
        await self._send_plain(self._hello_octets()[:100])

    async def _finish(self, _: bytes) -> None:
        assert self._tls
        incoming, outgoing, secured = self._tls
        while True:
            try:
                secured.do_handshake()
                break
            except ssl.SSLWantReadError:
                incoming.write(await self._octets())
        await self._send_plain(outgoing.read())

    def _hello_octets(self) -> bytes:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        secured = context.wrap_bio(incoming, outgoing)
        with contextlib.suppress(ssl.SSLWantReadError):
            secured.do_handshake()
        self._tls = incoming, outgoing, secured
        return outgoing.read()

    async def _send_plain(self, octets: bytes) -> None:
        tls, self._tls = self._tls, None
        await self._send(octets)
        self._tls = tls

    async def _receive(self) -> None:
        octets = await self._octets()
        if not octets:
            raise Broken
        if self._tls:
            self._tls[0].write(octets)
            with contextlib.suppress(ssl.SSLWantReadError):
                while octets := self._tls[2].read(65536):
                    self._input += octets
        else:
            self._input += octets

    async def _octets(self) -> bytes:
        while True:
            self._check()
            try:
                return self._socket.recv(65536)
            except BlockingIOError:
                await asyncio.sleep(0.001)

    async def _until_closed(self) -> None:
        """Wait until the receiver has closed its side.

        The client does not read what the receiver sends. The kernel may try to send that for a long time, but
        the receiver must not.
        """
        await self._case.lost.wait()

    def _check(self) -> None:
        if self._broken:
            raise Broken
