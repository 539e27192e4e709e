"""The check of the store, link by link: its name, TLS, the clock, the key, and writing on a condition.

A link that is bad makes the later ones unknown. What gives no answer is unknown, and not bad, except that a
name or a port which nobody answers at is what the check is for.
"""

from __future__ import annotations

import asyncio
import http.client
import secrets
import socket
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from email.utils import parsedate_to_datetime

from receiver.bucket import keys
from receiver.bucket.protocol import LINKS, Link
from services.bucket.engine import Engine, Gateway, attributes
from services.bucket.outcome import Kind, Outcome, outcome

_CONNECT = 5.0  # seconds
_ANSWER = 5.0  # seconds of one request to the store
_SKEW = 300  # seconds by which the clock may be wrong; signatures allow 900
_SKEWED = "RequestTimeTooSkewed"
_KEY_FIX = "make a key pair that may read, write and list the bucket, and deploy with it"
# As Amazon and R2 say it (https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html).
_REGION_CODES = {
    "AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "InvalidRegionName",
    "PermanentRedirect",
}  # fmt: skip
_REGION_FIX = 'correct "region" or the URL of the store: "auto" for R2, and its own for Amazon'
_CLOCK_FIX = "set the clock of this host: systemctl enable --now chronyd"

_Found = tuple[str, str, str]  # state, found, fix


class Bad(Exception):
    """A link is bad, or unknown."""

    def __init__(self, link: str, found: str, fix: str, state: str = "bad") -> None:
        super().__init__(found)
        self.link, self.found, self.fix, self.state = link, found, fix, state


class Trial:
    """Checks each gateway of a store. `clock` gives seconds since 1970."""

    def __init__(self, engine: Engine, clock: Callable[[], float] = time.time) -> None:
        self._engine = engine
        self._clock = clock

    async def links(self, late: float) -> list[Link]:
        """The links in their order. Those of several gateways are one, as bad as the worst of them."""
        of_each = await asyncio.gather(*(self._gateway(each, late) for each in self._engine.gateways))
        if len(of_each) == 1:
            return of_each[0]
        return [_worst(self._engine.gateways, same) for same in zip(*of_each, strict=True)]

    async def _gateway(self, gateway: Gateway, late: float) -> list[Link]:
        good: list[Link] = []
        try:
            async with asyncio.timeout_at(late):
                await self._try(gateway, good)
        except Bad as bad:
            good = [each for each in good if LINKS.index(each.link) < LINKS.index(bad.link)]
            good.append(Link(bad.link, bad.state, bad.found, bad.fix))
        except TimeoutError:
            good.append(Link(LINKS[len(good)], "unknown", "no answer in time", "try again"))
        reason = f"not tried, because of the link before: {good[-1].link}"
        return good + [Link(each, "unknown", reason) for each in LINKS[len(good) :]]

    async def _try(self, gateway: Gateway, good: list[Link]) -> None:
        url = gateway.url
        address = await self._name(gateway)
        good.append(Link("name", "good", f"{url.host} is {address}"))
        said, date = await asyncio.to_thread(_connect, gateway)
        good.append(Link("TLS", "good", said))
        good.append(Link("clock", "good", self._clock_of(date)))
        await _list(gateway)
        good.append(Link("key", "good", f"may list {url}"))
        good.append(Link("conditional write", "good", await _write(gateway)))

    async def _name(self, gateway: Gateway) -> str:
        url = gateway.url
        try:
            async with asyncio.timeout(_CONNECT):
                found = await asyncio.get_running_loop().getaddrinfo(
                    url.host, url.port, type=socket.SOCK_STREAM
                )
        except TimeoutError:
            raise Bad("name", f"{url.host}: no answer from the resolver", "try again", "unknown") from None
        except UnicodeError:  # A label is empty, or longer than 63 characters.
            raise Bad("name", f"{url.host} is no name of a host", "correct the URL of the bucket") from None
        except OSError as error:
            state = "unknown" if error.errno == socket.EAI_AGAIN else "bad"
            reason = error.strerror or "cannot be resolved"
            raise Bad("name", f"{url.host}: {reason}", "correct the URL of the bucket", state) from None
        return str(found[0][4][0])

    def _clock_of(self, date: str) -> str:
        """What the Date field of the store's answer says of our clock."""
        try:
            wrong = self._clock() - parsedate_to_datetime(date).timestamp()
        except (ValueError, TypeError):
            return "the store did not say its time"
        if abs(wrong) > _SKEW:
            how = "fast" if wrong > 0 else "slow"
            raise Bad("clock", f"the clock is {abs(wrong):.0f} s {how}", _CLOCK_FIX)
        return f"within {abs(wrong):.0f} s of the store's"


def _connect(gateway: Gateway) -> tuple[str, str]:
    """Connect and ask for anything, without a key. Returns what the connection is, and the Date field."""
    url = gateway.url
    connection: http.client.HTTPConnection
    if url.is_encrypted:
        connection = http.client.HTTPSConnection(
            url.host, url.port, timeout=_CONNECT, context=ssl.create_default_context()
        )
    else:
        connection = http.client.HTTPConnection(url.host, url.port, timeout=_CONNECT)
    try:
        connection.connect()
        said = "not encrypted, as allow_http allows"
        if isinstance(connection.sock, ssl.SSLSocket):
            said = f"{connection.sock.version()}, and the certificate is valid for {url.host}"
        connection.request("HEAD", "/")
        answer = connection.getresponse()
        return said, answer.getheader("Date", "")
    except ssl.SSLCertVerificationError as error:
        fix = "use the name that the certificate is for, and a CA that this host trusts"
        raise Bad("TLS", f"{url.host}: {error.verify_message}", fix) from None
    except ssl.SSLError as error:
        found = f"{url.host}:{url.port}: {error.reason or 'TLS fails'}"
        raise Bad("TLS", found, "see whether the URL has the right port and scheme") from None
    except TimeoutError:
        found = f"{url.host}:{url.port}: no answer within {_CONNECT:.0f} s"
        fix = "see whether a firewall is between, and whether the store runs"
        raise Bad("TLS", found, fix, "unknown") from None
    except (OSError, http.client.HTTPException) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "the connection broke"
        found = f"{url.host}:{url.port}: {reason}"
        raise Bad("TLS", found, "see whether the store runs at this URL") from None
    finally:
        connection.close()


async def _list(gateway: Gateway) -> None:
    try:
        async with asyncio.timeout(_ANSWER):
            await gateway.page(keys.CHECKS, "")
    except Exception as error:
        raise _refused(gateway, outcome(error), "key") from None


async def _write(gateway: Gateway) -> str:
    """Make an object, make it again, list it, read it, and delete it."""
    key = keys.CHECKS + secrets.token_hex(8)
    said = attributes("check", "unknown")
    link = "conditional write"
    try:
        async with asyncio.timeout(_ANSWER):
            await gateway.put_new(key, b"first", said)
    except Exception as error:
        raise _refused(gateway, outcome(error), "key") from None
    try:
        await _again(gateway, key, said)
        async with asyncio.timeout(_ANSWER):
            listed = await gateway.page(keys.CHECKS, key[:-1])
            head, found = await gateway.get(key)
            octets = bytes(await found.bytes_async())
    except Bad:
        raise
    except Exception as error:
        raise _refused(gateway, outcome(error), link) from None
    finally:
        deleted = await _delete(gateway, key)
    if octets != b"first" or head.name != "check":
        raise Bad(link, "an object does not come back as it was made", _store_fix())
    if key not in {each.key for each in listed}:
        raise Bad(link, "an object that was made is not listed at once", _store_fix())
    return "a second write is refused" + (
        "" if deleted else "; the key may not delete the object of this check"
    )


async def _again(gateway: Gateway, key: str, said: dict[str, str]) -> None:
    """Make the object once more, which must be refused with 412."""
    try:
        async with asyncio.timeout(_ANSWER):
            await gateway.put_new(key, b"second", said)
    except Exception as error:
        found = outcome(error)
        if found.kind is Kind.EXISTS and found.name != "ConditionalRequestConflict":
            return
        raise _refused(gateway, found, "conditional write") from None
    raise Bad(
        "conditional write", "the store writes over an object in spite of If-None-Match: *", _store_fix()
    )


async def _delete(gateway: Gateway, key: str) -> bool:
    with suppress(Exception):
        async with asyncio.timeout(_ANSWER):
            await gateway.delete(key)
        return True
    return False


def _refused(gateway: Gateway, found: Outcome, link: str) -> Bad:
    """The link that an outcome of a signed request breaks. `link` is what was tried."""
    if found.name == _SKEWED:
        return Bad("clock", found.said, _CLOCK_FIX)
    if found.name == "NoSuchBucket":
        return Bad("key", f"there is no bucket {gateway.url.bucket}", "make the bucket, or correct its URL")
    if found.name in _REGION_CODES:
        return Bad("key", found.said, _REGION_FIX)
    if found.kind is Kind.UNKNOWN:
        return Bad(link, found.said, "try again; see whether the store is well", "unknown")
    if found.kind is Kind.FULL:
        return Bad(link, found.said, "make room in the store, or raise its quota")
    if link == "key" or "403" in found.said:
        return Bad("key", found.said, _KEY_FIX)
    return Bad(link, found.said, _store_fix())


def _store_fix() -> str:
    return "use a store that honours If-None-Match: * on PutObject, such as Cloudflare R2, Amazon S3 or Ceph"


def _worst(gateways: list[Gateway], links: tuple[Link, ...]) -> Link:
    """One link of several gateways, which names those that are not good."""
    order = ("bad", "unknown", "good")
    state = min((each.state for each in links), key=order.index)
    named = [
        (gateway.url, each) for gateway, each in zip(gateways, links, strict=True) if each.state == state
    ]
    found = "; ".join(f"{url.host}:{url.port}: {each.found}" for url, each in named)
    return Link(links[0].link, state, found, next((each.fix for _, each in named if each.fix), ""))
