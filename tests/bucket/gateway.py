"""A gateway of faults: an HTTP proxy before a store that speaks S3, which answers wrongly when it is told to.

The proxy passes each request on as it is, so that its signature stays right. Faults are counted by method:

    with gateway(engine.endpoint) as gate:
        gate.at(3, Fault.SLOW_DOWN)               # at the third PUT from now
        gate.every(Fault.HANG, method="GET")      # at each GET from now, until gate.heal()
        gate.delay = 0.3                          # seconds that each PUT takes longer
        url = gate.url("mail")                    # for bucket.toml

It runs in a thread of the test. `python -m tests.bucket.gateway ENDPOINT PORT --delay 0.3` runs it as a
process, for measuring.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import enum
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from tests.ports import free_port

_ERROR = '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{}</Code><Message>{}</Message></Error>'


class Fault(enum.Enum):
    """What the gateway does in place of passing a request on and its answer back."""

    ERROR = "500 Internal Server Error", "InternalError"
    SLOW_DOWN = "503 Slow Down", "SlowDown"
    CONFLICT = "409 Conflict", "ConditionalRequestConflict"
    LYING_412 = "412 Precondition Failed", "PreconditionFailed"  # though nothing is there
    SKEWED = "403 Forbidden", "RequestTimeTooSkewed"
    BAD_KEY = "403 Forbidden", "InvalidAccessKeyId"
    BAD_SIGNATURE = "403 Forbidden", "SignatureDoesNotMatch"
    NO_KEY = "404 Not Found", "NoSuchKey"  # though it is there
    WRONG_REGION = "400 Bad Request", "AuthorizationHeaderMalformed"  # as Amazon answers
    ELSEWHERE = "301 Moved Permanently", "PermanentRedirect"  # as Amazon answers for another region
    NO_BUCKET = "404 Not Found", "NoSuchBucket"
    QUOTA = "403 Forbidden", "QuotaExceeded"  # as Ceph answers
    FULL = "507 Insufficient Storage", "InsufficientStorage"
    TIMEOUT_400 = "400 Bad Request", "RequestTimeout"
    HANG = "hang", "the request is not passed on, and nothing is answered"
    HANG_AFTER = "hang", "the request is passed on, and nothing is answered"
    CUT_BEFORE = "cut", "the connection is closed, and the request is not passed on"
    CUT_AFTER = "cut", "the request is passed on, and the connection is closed in place of the answer"
    DONE_500 = "500 Internal Server Error", "InternalError "  # though the store did it
    LOST = "200 OK", " "  # though nothing is done: for measuring what is before the store
    NO_CONDITIONS = "200 OK", ""  # in place of the store's 412, as from a store that knows no conditions


_PASSED_ON = {Fault.HANG_AFTER, Fault.CUT_AFTER, Fault.DONE_500, Fault.NO_CONDITIONS}


@dataclass
class _Rule:
    method: str
    first: int  # by the number of its requests so far
    last: float
    fault: Fault


@dataclass
class Gateway:
    """A gateway that runs. What it is told holds for requests that arrive from then on."""

    engine: str  # host:port of the store
    port: int = field(default_factory=free_port)
    delay: float = 0.0  # seconds before each PUT is passed on
    under_way: int = 0  # PUTs that take longer now
    most: int = 0  # of these at once
    alongside: list[int] = field(default_factory=list)  # for each of these, how many there were with it
    together: int = 0  # how many of these must be under way at once before the first is passed on
    seen: Counter[str] = field(default_factory=Counter)  # requests so far, by method
    requests: list[tuple[str, str, str]] = field(default_factory=list)  # method, target, fault or status
    broken: set[str] = field(default_factory=set)  # ends of objects' keys, which only have 500 for a GET
    _rules: list[_Rule] = field(default_factory=list)
    _healed: asyncio.Event = field(default_factory=asyncio.Event)
    _loop: asyncio.AbstractEventLoop | None = None

    def url(self, bucket: str) -> str:
        return f"http://127.0.0.1:{self.port}/{bucket}"

    @property
    def puts(self) -> int:
        return self.seen["PUT"]

    def at(self, nth: int, fault: Fault, method: str = "PUT", times: int = 1) -> None:
        """The nth request of that method from now, which is 1 for the next one, and `times` - 1 after it."""
        first = self.seen[method] + nth
        self._rules.append(_Rule(method, first, first + times - 1, fault))

    def every(self, fault: Fault, method: str = "PUT") -> None:
        """Every request of that method from now until `heal`."""
        self._rules.append(_Rule(method, self.seen[method] + 1, float("inf"), fault))

    def heal(self) -> None:
        """Forget all faults. Connections that hang are closed."""
        self._rules.clear()
        if self._loop:
            self._loop.call_soon_threadsafe(self._close_hanging)

    def _close_hanging(self) -> None:
        self._healed.set()
        self._healed = asyncio.Event()

    def _fault(self, method: str) -> Fault | None:
        number = self.seen[method]
        for rule in self._rules:
            if rule.method == method and rule.first <= number <= rule.last:
                return rule.fault
        return None

    async def serve(self) -> asyncio.Server:
        self._loop = asyncio.get_running_loop()
        return await asyncio.start_server(self._connection, "127.0.0.1", self.port, backlog=1024)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        store: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                method, target = head.split(b" ", 2)[:2]
                body = await reader.readexactly(int(_field(head, b"content-length") or 0))
                name = method.decode()
                self.seen[name] += 1
                fault = self._fault(name)
                if name == "GET" and self.broken and unquote(target.decode()).endswith(tuple(self.broken)):
                    fault = Fault.ERROR
                entry = len(self.requests)
                self.requests.append((name, target.decode(), fault.name if fault else ""))
                if self.delay and name == "PUT":
                    self.under_way += 1
                    self.most = max(self.most, self.under_way)
                    self.alongside.append(self.under_way)
                    await asyncio.sleep(self.delay)
                    while self.most < self.together:  # noqa: ASYNC110 - the test's thread sets it
                        await asyncio.sleep(0.02)
                    self.under_way -= 1
                answer = b""
                if fault is None or fault in _PASSED_ON:
                    store = store or await asyncio.open_connection(*self.engine.rsplit(":", 1))
                    store[1].write(head + body)
                    answer = await _answer(store[0], name)
                    if fault is None:
                        self.requests[entry] = (name, target.decode(), answer[9:12].decode())
                if fault in (Fault.HANG, Fault.HANG_AFTER):
                    await self._healed.wait()
                    return
                if fault in (Fault.CUT_BEFORE, Fault.CUT_AFTER):
                    return
                if fault and not (fault is Fault.NO_CONDITIONS and answer[9:12] != b"412"):
                    answer = _error(fault, name)
                writer.write(answer)
                await writer.drain()
        except (OSError, EOFError, asyncio.LimitOverrunError, asyncio.CancelledError):
            pass  # Cancelled is what `gateway` does at its end.
        finally:
            writer.transport.abort()
            if store:
                store[1].transport.abort()


def _field(head: bytes, name: bytes) -> bytes:
    for line in head.split(b"\r\n")[1:]:
        key, _, value = line.partition(b":")
        if key.strip().lower() == name:
            return value.strip()
    return b""


async def _answer(reader: asyncio.StreamReader, method: str) -> bytes:
    """The whole answer of the store, as it came."""
    head = await reader.readuntil(b"\r\n\r\n")
    if method == "HEAD" or head[9:12] in (b"204", b"304"):
        return head
    if _field(head, b"transfer-encoding").lower() != b"chunked":
        return head + await reader.readexactly(int(_field(head, b"content-length") or 0))
    parts = [head]
    while True:
        line = await reader.readuntil(b"\r\n")
        size = int(line.split(b";")[0], 16)
        parts += [line, await reader.readexactly(size + 2)]
        if not size:
            return b"".join(parts)


def _error(fault: Fault, method: str) -> bytes:
    status, code = fault.value
    body = _ERROR.format(code.strip(), "a fault that a test wants").encode() if code.strip() else b""
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/xml\r\nContent-Length: {len(body)}\r\n"
    return f'{head}ETag: "0"\r\n\r\n'.encode() + (b"" if method == "HEAD" else body)


@contextlib.contextmanager
def gateway(endpoint: str) -> Iterator[Gateway]:
    """Run a gateway before the store at `endpoint` until the end of the context."""
    loop = asyncio.new_event_loop()
    gate = Gateway(urlsplit(endpoint).netloc)
    ready = threading.Event()

    async def run() -> None:
        async with await gate.serve():
            ready.set()
            await ended.wait()

    ended = asyncio.Event()
    thread = threading.Thread(target=lambda: loop.run_until_complete(run()), name="gateway", daemon=True)
    thread.start()
    try:
        assert ready.wait(30)
        yield gate
    finally:
        gate.heal()
        loop.call_soon_threadsafe(ended.set)
        thread.join(10)
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()


def main() -> None:
    """Run a gateway as a process until it is ended."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("endpoint", help="of the store, such as http://127.0.0.1:8333")
    parser.add_argument("port", type=int)
    parser.add_argument("--delay", type=float, default=0.0, help="seconds before each PUT is passed on")
    parser.add_argument("--lost", action="store_true", help="pass no PUT on, and say that it is done")
    given = parser.parse_args()
    gate = Gateway(urlsplit(given.endpoint).netloc, given.port, given.delay)
    if given.lost:
        gate.every(Fault.LOST)

    async def run() -> None:
        async with await gate.serve() as server:
            await server.serve_forever()

    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(run())


if __name__ == "__main__":
    main()
