"""A TCP relay on loopback that adds a delay, so that a near host seems far away."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager


async def _relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float) -> None:
    """Pass on each piece after the delay, in order. A delayed piece does not hold up the next one."""
    loop = asyncio.get_running_loop()
    pieces: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def deliver() -> None:
        while True:
            due, piece = await pieces.get()
            await asyncio.sleep(max(0.0, due - loop.time()))
            if not piece:
                writer.close()
                return
            writer.write(piece)

    delivery = loop.create_task(deliver())
    try:
        while True:
            piece = await reader.read(65536)
            pieces.put_nowait((loop.time() + seconds, piece))
            if not piece:
                break
        await delivery
    except OSError:
        delivery.cancel()


@contextmanager
def distant(host: str, port: int, round_trip: float) -> Iterator[int]:
    """Yield a port on 127.0.0.1 that leads to the host and adds `round_trip` seconds to a round trip."""
    loop = asyncio.new_event_loop()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = await asyncio.open_connection(host, port)
        await asyncio.gather(
            _relay(reader, there[1], round_trip / 2), _relay(there[0], writer, round_trip / 2)
        )

    server = loop.run_until_complete(asyncio.start_server(connected, "127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
