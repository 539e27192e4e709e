"""A name server that seems far away: a relay over UDP that holds each answer back.

`python -m benchmarks.mail.checks.distant ADDRESS SERVER MILLISECONDS` listens on port 53 of ADDRESS, and
answers so many milliseconds after a question came.
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator

from benchmarks.mail.errors import Broken
from dns.world import asking

ADDRESS = "198.18.0.54"
_PORT = 53
_PATIENCE = 10.0


class _Relay(asyncio.DatagramProtocol):
    """Takes questions. Each gets a socket of its own to the server."""

    def __init__(self, server: str, seconds: float) -> None:
        self._server, self._seconds = server, seconds
        self._transport: asyncio.DatagramTransport
        self._tasks = set[asyncio.Task[None]]()

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self._transport = transport

    def datagram_received(self, question: bytes, peer: tuple[str, int]) -> None:
        loop = asyncio.get_running_loop()
        task = loop.create_task(self._passed_on(question, peer, loop.time()))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _passed_on(self, question: bytes, peer: tuple[str, int], came: float) -> None:
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[bytes] = loop.create_future()
        transport, _ = await loop.create_datagram_endpoint(
            lambda: _Answer(answered), remote_addr=(self._server, _PORT)
        )
        try:
            transport.sendto(question)
            answer = await answered
            await asyncio.sleep(came + self._seconds - loop.time())
            self._transport.sendto(answer, peer)
        finally:
            transport.close()


class _Answer(asyncio.DatagramProtocol):
    def __init__(self, answered: asyncio.Future[bytes]) -> None:
        self._answered = answered

    def datagram_received(self, answer: bytes, peer: tuple[str, int]) -> None:
        if not self._answered.done():
            self._answered.set_result(answer)


@contextlib.contextmanager
def distant(server: str, milliseconds: float) -> Iterator[str]:
    """Run the relay. Yields its address. Raises Broken."""
    command = [sys.executable, "-m", "benchmarks.mail.checks.distant", ADDRESS, server, str(milliseconds)]
    with subprocess.Popen(command) as process:
        try:
            until = time.monotonic() + _PATIENCE
            while asking.ask(ADDRESS, ".", "SOA", port=_PORT, seconds=0.5).failure():
                if process.poll() is not None or time.monotonic() > until:
                    raise Broken("the distant name server does not answer")
            yield ADDRESS
        finally:
            process.terminate()
            process.wait()


async def _serve(address: str, server: str, seconds: float) -> None:
    loop = asyncio.get_running_loop()
    await loop.create_datagram_endpoint(lambda: _Relay(server, seconds), local_addr=(address, _PORT))
    await asyncio.Event().wait()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(sys.argv[1], sys.argv[2], float(sys.argv[3]) / 1000))
