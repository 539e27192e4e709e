"""Listing and getting objects. What is long is written into a memfd, which goes to the client."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from receiver.bucket.client import Head, memfd
from services.bucket.engine import PAGE, Engine, Gateway
from services.bucket.errors import RequestError

LARGEST = 268_435_456  # octets of an object that is fetched
_PIECE = 1_048_576  # octets


@asynccontextmanager
async def page(engine: Engine, prefix: str, after: str, late: float) -> AsyncIterator[tuple[int, bool]]:
    """A memfd with a line of JSON for each object of a page, and whether there may be more."""
    found = await engine.ask(lambda gateway: gateway.page(prefix, after), late, limit=10.0)
    lines = "".join(f"{json.dumps([each.key, each.size, each.modified])}\n" for each in found)
    fd = memfd(lines.encode())
    try:
        yield fd, len(found) >= PAGE
    finally:
        os.close(fd)


@asynccontextmanager
async def content(engine: Engine, key: str, late: float) -> AsyncIterator[tuple[int, Head]]:
    """A memfd with an object's octets, and what is known of it."""

    async def fetch(gateway: Gateway) -> tuple[int, Head]:
        head, found = await gateway.get(key)
        if head.size > LARGEST:
            raise RequestError(errno.EFBIG, f"the object has {head.size} octets, too many for a message")
        fd = os.memfd_create("letterbox", os.MFD_CLOEXEC)
        try:
            size = 0
            async for piece in found.stream(min_chunk_size=_PIECE):
                size += os.write(fd, piece)
            if size != head.size:
                raise ConnectionError
        except BaseException:
            os.close(fd)
            raise
        return fd, head

    fd, head = await engine.ask(fetch, late, limit=13.0)
    try:
        yield fd, head
    finally:
        os.close(fd)
