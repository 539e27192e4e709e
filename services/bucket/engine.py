"""The store: one or more gateways that speak S3, tried in turn. Only this module calls obstore."""

from __future__ import annotations

import asyncio
import errno
import random
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar
from urllib.parse import quote, unquote

import obstore
from obstore.exceptions import GenericError
from obstore.store import S3Store

from receiver.bucket.client import Head, Listed
from receiver.system.journal import log
from services.bucket.configuration import Configuration, Url
from services.bucket.credentials import KeyPair
from services.bucket.errors import BucketError, RequestError
from services.bucket.outcome import Kind, Outcome, outcome

T = TypeVar("T")
Body = bytes | Sequence[bytes | bytearray]

ATTEMPT = 4.0  # seconds after which a small request is tried at the next gateway
SMALL = 1_048_576  # octets up to which a request is small
PROBE = 3.0  # seconds in which a gateway must answer a HEAD, or a large PUT is taken from it
PAGE = 1000  # objects of one LIST (S3)
_MOST_PUTS = 384  # under way at once
_REFUSALS = 3  # tries after which a refusal is believed
_CONNECT = "3s"
_LONGEST = "20s"  # of any request; the deadlines of requests are shorter
_BACKOFF = 0.05, 1.0  # seconds: the first pause, and the longest
_NO_LIMIT = 3600.0
_DOUBT = 0.2  # seconds
_MARGIN = 0.05  # seconds before the deadline in which nothing new is tried
_SAY_AGAIN = 5.0  # seconds in which the log says once that a gateway fails
_ASCII = "".join(map(chr, range(33, 127))).replace("%", "")
_PLAIN = re.compile(r"[!-$&-~]*")  # the same


class Failed(Exception):
    """A request came to an end without success."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.said)
        self.outcome = outcome


class Gateway:
    """One way to the store. Keys are without the prefix of the URL. The methods raise what obstore raises."""

    def __init__(self, url: Url, region: str, pair: KeyPair) -> None:
        self.url = url
        self._prefix = url.prefix
        self._said = 0.0
        try:
            self._store = S3Store(
                url.bucket,
                endpoint=url.endpoint,
                access_key_id=pair.access_key_id,
                secret_access_key=pair.secret,
                region=region,
                virtual_hosted_style_request=False,
                client_options={
                    "allow_http": not url.is_encrypted,
                    "connect_timeout": _CONNECT,
                    "timeout": _LONGEST,
                    "user_agent": "letterbox-bucket",
                },
                retry_config={"max_retries": 0},  # `Engine` tries again, at the next gateway.
            )
        except GenericError as error:
            # A client without any root is refused, also for a store that is spoken to without TLS.
            said = next((line.strip() for line in str(error).splitlines() if "certificates" in line), "")
            raise BucketError(
                f"{url}: there can be no client ({said or str(error).splitlines()[0]}): install the package "
                "ca-certificates"
            ) from None

    async def put_new(self, key: str, body: Body, attributes: dict[str, str]) -> None:
        """Make an object, if there is none of that key."""
        await obstore.put_async(
            self._store,
            self._prefix + key,
            body,
            attributes=attributes,
            mode="create",
            use_multipart=False,
        )

    async def head(self, key: str) -> Head:
        found = await obstore.get_async(self._store, self._prefix + key, options={"head": True})
        return _head(found)

    async def get(self, key: str) -> tuple[Head, Any]:
        """An object, and its octets as a result of obstore, which is read in pieces."""
        found = await obstore.get_async(self._store, self._prefix + key)
        return _head(found), found

    async def page(self, prefix: str, after: str) -> list[Listed]:
        """Up to PAGE objects whose keys begin with a prefix that ends in `/`, and come after `after`."""
        pages = obstore.list(
            self._store,
            self._prefix + prefix,
            offset=self._prefix + after if after else None,
            chunk_size=PAGE,
        )
        try:
            objects = await pages.__anext__()
        except StopAsyncIteration:
            return []
        skip = len(self._prefix)
        return [
            Listed(each["path"][skip:], each["size"], each["last_modified"].timestamp()) for each in objects
        ]

    async def delete(self, key: str) -> None:
        await obstore.delete_async(self._store, self._prefix + key)

    def say(self, found: Outcome) -> None:
        """Log that this gateway fails, but not at each request."""
        now = time.monotonic()
        if now >= self._said:
            self._said = now + _SAY_AGAIN
            log("failing", gateway=f"{self.url.host}:{self.url.port}", reason=found.said)


def attributes(name: str, sender: str) -> dict[str, str]:
    """The metadata of an object. Names that are not visible US-ASCII are percent-encoded."""
    if not _PLAIN.fullmatch(name):
        name = quote(name, safe=_ASCII)
    return {"Content-Type": "message/rfc822", "name": name, "sender": sender}


def _head(found: Any) -> Head:
    said = found.attributes
    return Head(unquote(said.get("name", "")), said.get("sender", "unknown"), found.meta["size"])


class Engine:
    """The gateways of one store."""

    def __init__(self, configuration: Configuration, pair: KeyPair) -> None:
        self.gateways = [Gateway(url, configuration.region, pair) for url in configuration.urls]
        self._first = 0  # the gateway that is tried first, because the one before it failed
        self._slots = asyncio.Semaphore(_MOST_PUTS)

    async def ask(
        self, call: Callable[[Gateway], Awaitable[T]], late: float, limit: float = ATTEMPT, tries: int = 0
    ) -> T:
        """Make a request, and make it again at the next gateway while its outcome is unknown.

        `late` is by the loop's clock. `limit` is of one try, in seconds. `tries` ends it before, if it is not
        0. Raises Failed. What is EXISTS or MISSING is an answer, so it is not tried again.
        """
        loop = asyncio.get_running_loop()
        tried, refusals, pause = 0, 0, _BACKOFF[0]
        # When each gateway has had its try, the last try has all the time that is left: a store that is slow
        # for all would otherwise never be done.
        limited = len(self.gateways)
        while True:
            at = self._first
            try:
                async with asyncio.timeout_at(min(late, loop.time() + limit) if tried < limited else late):
                    return await call(self.gateways[at])
            except RequestError:
                raise
            except Exception as error:
                found = outcome(error)
            if found.kind in (Kind.EXISTS, Kind.MISSING):
                raise Failed(found)
            self._passed_by(at, found)
            tried += 1
            refusals += found.kind in (Kind.REFUSED, Kind.FULL)
            wait = pause * random.uniform(0.5, 1.0)  # noqa: S311 (no secret)
            if refusals >= _REFUSALS or tried == tries or loop.time() + wait + _MARGIN > late:
                raise Failed(found)
            await asyncio.sleep(wait)
            pause = min(2 * pause, _BACKOFF[1])

    async def doubt(self, found: Outcome, late: float) -> None:
        """An answer was wrong. Wait a moment, and go on at the next gateway. Raises Failed at the end."""
        if asyncio.get_running_loop().time() + _BACKOFF[1] > late:
            raise Failed(Outcome(Kind.UNKNOWN, errno.EIO, f"{found.said}, and has no such object"))
        self._passed_by(self._first, found)
        await asyncio.sleep(_DOUBT)

    def _passed_by(self, at: int, found: Outcome) -> None:
        """The gateway of that number failed. The next one is tried first from now on."""
        self.gateways[at].say(found)
        if self._first == at:
            self._first = (at + 1) % len(self.gateways)

    async def put_new(self, key: str, body: Body, size: int, said: dict[str, str], late: float) -> None:
        """Make an object, if there is none of that key. Raises Failed, with EXISTS if the store says so."""
        if self._slots.locked():
            try:
                async with asyncio.timeout_at(late):
                    await self._slots.acquire()
            except TimeoutError as error:
                raise Failed(outcome(error)) from None
        else:
            await self._slots.acquire()
        try:
            if size <= SMALL:
                await self.ask(lambda gateway: gateway.put_new(key, body, said), late)
            else:
                await self.ask(lambda gateway: self._patiently(gateway, key, body, said), late, _NO_LIMIT)
        finally:
            self._slots.release()

    async def _patiently(self, gateway: Gateway, key: str, body: Body, said: dict[str, str]) -> None:
        """Put a large object, which may take long. A gateway that answers nothing else meanwhile hangs."""
        task = asyncio.ensure_future(gateway.put_new(key, body, said))
        try:
            while len(self.gateways) > 1:
                done, _ = await asyncio.wait({task}, timeout=ATTEMPT)
                if done:
                    break
                if not await self._answers(gateway, key) and not task.done():
                    raise TimeoutError
            await task
        finally:
            task.cancel()

    async def _answers(self, gateway: Gateway, key: str) -> bool:
        """Whether a gateway answers a HEAD, with whatever."""
        try:
            async with asyncio.timeout(PROBE):
                await gateway.head(key)
        except Exception as error:
            return outcome(error).kind is not Kind.UNKNOWN
        return True
