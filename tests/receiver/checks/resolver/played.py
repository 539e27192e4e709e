"""A varlink server at a real socket. Its test says what it answers, and sees what it was asked."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import struct
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from receiver.checks.dns_query import TXT
from receiver.checks.resolver import VarlinkResolver

Reply = dict[str, Any]
SILENT: Reply = {}  # no reply
HANG_UP: Reply = {"hang": "up"}  # the connection is closed in place of a reply
NXDOMAIN: Reply = {"error": "io.systemd.Resolve.DNSError", "parameters": {"rcode": 3}}
SERVFAIL: Reply = {"error": "io.systemd.Resolve.DNSError", "parameters": {"rcode": 2}}
NODATA: Reply = {"error": "io.systemd.Resolve.NoSuchResourceRecord", "parameters": {}}


def records(kind: int, *data: bytes, owner: bytes = b"\7example\0", ttl: int = 300, flags: int = 1) -> Reply:
    """A reply with records of that data, all of one owner."""
    raw = [owner + struct.pack("!HHIH", kind, 1, ttl, len(each)) + each for each in data]
    rrs = [{"ifindex": 2, "rr": {}, "raw": base64.b64encode(each).decode()} for each in raw]
    return {"parameters": {"rrs": rrs, "flags": flags}}


def text(words: bytes, ttl: int = 300) -> Reply:
    """A reply with one TXT record of one string."""
    return records(TXT, bytes([len(words)]) + words, ttl=ttl)


class Played:
    """Answers each name with `replies[name]`: a reply, several in turn, or a function that gives one."""

    def __init__(self) -> None:
        self.replies: dict[str, Any] = {}
        self.asked: list[tuple[str, int]] = []
        self.calls: list[Any] = []
        self.connections = 0
        self.was_asked = asyncio.Event()
        self.taken_back = asyncio.Event()
        self.unanswered = 0
        self.most_unanswered = 0
        self._open: set[asyncio.StreamWriter] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._open.add(writer)
        try:
            with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
                while True:
                    call = json.loads((await reader.readuntil(b"\0"))[:-1])
                    self.unanswered += 1
                    self.most_unanswered = max(self.most_unanswered, self.unanswered)
                    try:
                        if not await self._reply(call, reader, writer):
                            return
                    finally:
                        self.unanswered -= 1
        finally:
            self._open.discard(writer)
            writer.close()

    async def _reply(self, call: Any, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        self.calls.append(call)
        asked = call["parameters"]
        self.asked.append((asked["name"], asked["type"]))
        self.was_asked.set()
        reply = self.replies[asked["name"]]
        if isinstance(reply, list):
            reply = reply.pop(0)
        if callable(reply):
            reply = await reply()
        if reply is HANG_UP:
            return False
        if reply is SILENT:
            assert await reader.read(1) == b""  # until the client hangs up
            self.taken_back.set()
            return False
        octets = reply if isinstance(reply, bytes) else json.dumps(reply).encode() + b"\0"
        writer.write(octets)
        return True

    def hang_up(self) -> None:
        """Close all connections, as a resolver does that restarts."""
        for writer in list(self._open):
            writer.close()


@contextlib.asynccontextmanager
async def playing(path: Path) -> AsyncIterator[Played]:
    """A server at this path. At the end its connections are closed too."""
    played = Played()
    server = await asyncio.start_unix_server(played.serve, path)
    try:
        yield played
    finally:
        server.close()
        played.hang_up()


@contextlib.asynccontextmanager
async def resolving(path: Path, patience: float = 5.0) -> AsyncIterator[tuple[VarlinkResolver, Played]]:
    """A resolver, and the server that it asks."""
    async with asyncio.timeout(20), playing(path / "socket") as played:
        resolver = VarlinkResolver(path / "socket", patience)
        try:
            yield resolver, played
        finally:
            resolver.close()
