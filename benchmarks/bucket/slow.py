"""A store that is far away and does nothing else: it answers each PUT after a delay, and keeps no octet.

`python -m benchmarks.bucket.slow PORT SECONDS`. A real store on two cores is slower than what is asked of it
here, so its rate would be measured. GET of any path answers the number of PUTs so far, by different keys.
"""

from __future__ import annotations

import asyncio
import re
import sys
from typing import cast

from receiver.loop.event_loop import new_loop

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_DONE = b'HTTP/1.1 200 OK\r\nETag: "0"\r\nContent-Length: 0\r\n\r\n'


class _Store(asyncio.Protocol):
    def __init__(self, delay: float, keys: set[bytes]) -> None:
        self._delay, self._keys = delay, keys
        self._octets = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._octets += data
        while (end := self._octets.find(b"\r\n\r\n")) >= 0:
            head = bytes(self._octets[:end])
            length = _LENGTH.search(head)
            end += 4 + (int(length[1]) if length else 0)
            if len(self._octets) < end:
                return
            del self._octets[:end]
            self._answer(*head.split(b" ", 2)[:2])

    def _answer(self, method: bytes, target: bytes) -> None:
        loop = asyncio.get_running_loop()
        if method == b"PUT":
            self._keys.add(target)
            loop.call_later(self._delay, self._write, _DONE)
        elif method == b"HEAD":
            self._write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        else:
            body = b"%d" % len(self._keys)
            self._write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))

    def _write(self, octets: bytes) -> None:
        if self._transport and not self._transport.is_closing():
            self._transport.write(octets)


async def _serve(port: int, delay: float) -> None:
    keys: set[bytes] = set()
    server = await asyncio.get_running_loop().create_server(
        lambda: _Store(delay, keys), "127.0.0.1", port, backlog=1024
    )
    await server.serve_forever()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(_serve(int(sys.argv[1]), float(sys.argv[2])))
