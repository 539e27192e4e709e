"""Talking to Cloudflare's API through the official SDK: one request, and its answer or a reason in words.

A read is tried again if the connection fails. A 429 is waited out for as long as Cloudflare asks. Both have
an end. The SDK itself tries nothing again.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from dns.cloudflare import answers, environment
from dns.cloudflare.refusals import explain
from dns.errors import NotPermitted, Refused, SyncError, Unreachable, WrongSetting

if TYPE_CHECKING:
    from cloudflare import Cloudflare

Answer = Mapping[str, object]

READ_ATTEMPTS = 3
WAITS = 5  # for one request, at a rate limit
LEAST_WAIT = 1.0  # seconds, doubled at each further wait, because Cloudflare may send `Retry-After: 0`
LONGEST_WAIT = 300  # seconds in all for one request, which is the window of Cloudflare's rate limit


class Api:
    """Access to the API with a token. The SDK is imported, and a request sent, at the first question."""

    def __init__(
        self,
        environ: Mapping[str, str],
        *,
        timeout: float,
        pause: Callable[[float], None],
        tell: Callable[[str], None],
    ) -> None:
        """Take the token and the endpoint from the environment. Raises NoToken, WrongSetting."""
        self._environ = environ
        self._token = environment.token(environ)
        self._base_url = environment.base_url(environ)
        self._timeout, self._pause, self._tell = timeout, pause, tell
        self._client: Cloudflare | None = None
        self.requests = 0

    def get(self, path: str, query: Mapping[str, object]) -> Answer:
        """Send a read and return the answer. Raises Unreachable, Refused."""
        return self.repeatable(lambda client: client.get(path, cast_to=object, options={"params": query}))

    def repeatable(self, ask: Callable[[Cloudflare], object]) -> Answer:
        """Send a read, or a write that does the same each time. If no answer comes, send it again.

        Raises Unreachable, Refused.
        """
        for attempt in range(1, READ_ATTEMPTS + 1):
            try:
                return self._ask(ask)
            except Unreachable as error:
                if attempt == READ_ATTEMPTS:
                    raise Unreachable(f"{error} (tried {attempt} times)") from None
                self._pause(0.1 * 3 ** (attempt - 1))
        raise AssertionError("not reached")

    def post(self, path: str, body: Mapping[str, object]) -> Answer:
        """Send a write once. Returns the answer. Raises Refused, or Unreachable if it may have been made."""
        return self._ask(lambda client: client.post(path, cast_to=object, body=body))

    def dnssec(self, zone_id: str) -> Answer:
        """Read the DNSSEC of a zone. Raises Unreachable, Refused."""
        return self.repeatable(lambda client: client.dns.dnssec.with_raw_response.get(zone_id=zone_id).json())

    def sign(self, zone_id: str) -> Answer:
        """Switch the DNSSEC of a zone on. Doing it twice is the same as once. Raises Unreachable, Refused."""
        return self.repeatable(
            lambda client: client.dns.dnssec.with_raw_response.edit(zone_id=zone_id, status="active").json()
        )

    def _connect(self) -> Cloudflare:
        if self._client is None:
            environment.check_network(self._environ, self._base_url)
            from dns.cloudflare.sdk import connect  # late: importing the SDK takes most of a run's time

            try:
                self._client = connect(self._token, self._base_url, self._timeout)
            except (ValueError, ImportError, OSError) as error:
                raise WrongSetting(
                    f"Cloudflare cannot be asked ({_cause(error)}): {self._fix(error)}"
                ) from None
        return self._client

    def _ask(self, ask: Callable[[Cloudflare], object]) -> Answer:
        """Send one request and return its answer. Only if Cloudflare asks to wait, send it again."""
        client = self._connect()
        waited, waits = 0.0, 0
        while True:
            self.requests += 1
            try:
                with self._our_errors():
                    return answers.check_success(ask(client))
            except _RateLimit as limit:
                seconds = max(limit.seconds, LEAST_WAIT * 2**waits)
                if waits == WAITS or waited + seconds > LONGEST_WAIT:
                    tried = f"asked {waits + 1} times in {waited:.0f} s, " if waits else ""
                    raise Refused(
                        f"{limit.message} ({tried}and Cloudflare asks to wait {seconds:g} s more)", 971
                    ) from None
                self._tell(f"Cloudflare asks to wait {seconds:.0f} s (too many requests)")
                self._pause(seconds)
                waited, waits = waited + seconds, waits + 1

    @contextmanager
    def _our_errors(self) -> Iterator[None]:
        """Turn the errors of the SDK into ours. None of them holds the token."""
        import cloudflare  # late: as above

        try:
            yield
        except cloudflare.APITimeoutError:
            raise Unreachable(
                "Cloudflare did not answer in time: make sure that the network works, and run again"
            ) from None
        except cloudflare.APIConnectionError as error:
            raise Unreachable(f"Cloudflare cannot be reached ({_cause(error)}): {self._fix(error)}") from None
        except cloudflare.APIStatusError as error:
            why = explain(error.status_code, error.body)
            if error.status_code == 429:
                raise _RateLimit(_retry_after(error.response.headers.get("retry-after")), why.text) from None
            if not why.usable:
                raise Unreachable(why.text) from None
            raise (NotPermitted if why.not_permitted else Refused)(why.text, why.code) from None
        except SyncError:
            raise
        except (cloudflare.CloudflareError, ValueError):
            # The answer is not JSON, or only half of it came.
            raise Unreachable(explain(200, None).text) from None

    def _fix(self, error: BaseException) -> str:
        """What the user can do about a connection that failed, by the errors that led to it."""
        import socket  # late: the SDK has imported these by now
        import ssl

        chain = list(_chain(error))
        if any(isinstance(each, ModuleNotFoundError) for each in chain):
            return "run `make setup`"
        if any(isinstance(each, ssl.SSLError) for each in chain):
            named = environment.certificates_named(self._environ)
            return f"check the clock, the certificates ({named}), and whether a proxy answers in its place"
        if any(isinstance(each, socket.gaierror) for each in chain):
            return "the name cannot be looked up: check the network and /etc/resolv.conf"
        if any(isinstance(each, ImportError) or _is_proxy_error(each) for each in chain):
            # httpx raises ImportError if the package for a SOCKS proxy is missing.
            return f"check {environment.proxies_named(self._environ)}"
        return "check the network, a firewall or proxy (HTTPS_PROXY), and CLOUDFLARE_BASE_URL if it is set"


class _RateLimit(Exception):
    """A 429: nothing was done, and Cloudflare says after how many seconds to ask again."""

    def __init__(self, seconds: float, message: str) -> None:
        super().__init__(message)
        self.seconds, self.message = seconds, message


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error, then the one that led to it, and so on to the innermost."""
    yield error
    while inner := error.__cause__ or error.__context__:
        error = inner
        yield error


def _is_proxy_error(error: BaseException) -> bool:
    import httpx  # late: as above

    return isinstance(error, httpx.ProxyError)


def _cause(error: BaseException) -> str:
    """The innermost reason, in its own words."""
    *_, innermost = _chain(error)
    return " ".join(str(innermost).split())[:200] or type(innermost).__name__


def _retry_after(text: str | None) -> float:
    """The seconds until the time in a Retry-After: seconds or a date (RFC 9110, 10.2.3). Else 60."""
    try:
        seconds = float(text or "")
    except ValueError:
        from email.utils import parsedate_to_datetime  # late: a date is rare, and this import takes 5 ms

        try:
            seconds = parsedate_to_datetime(text or "").timestamp() - time.time()
        except (ValueError, OverflowError):
            return 60.0
    return max(0.0, seconds) if math.isfinite(seconds) else 60.0
