"""Talking to Cloudflare's API through the official SDK: one request, and its answer or the reason in words.

Reads are repeated when the connection fails, and a 429 is waited out as told, both a bounded number of
times. The SDK itself repeats nothing.
"""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from dns.cloudflare import answers, environment
from dns.cloudflare.refusals import explained
from dns.errors import NotPermitted, Refused, SyncError, Unreachable, WrongSetting

if TYPE_CHECKING:
    from cloudflare import Cloudflare

Answer = Mapping[str, object]

READ_ATTEMPTS = 3
WAITS = 5  # for one request, at a rate limit
LEAST_WAIT = 1.0  # seconds, doubled at each further wait: a Retry-After of 0 has been met
LONGEST_WAIT = 300  # seconds in all, for one request: Cloudflare's window for its rate limit


class Api:
    """A token's way to the API. Nothing is sent, and the SDK not imported, before the first question."""

    def __init__(
        self,
        environ: Mapping[str, str],
        *,
        timeout: float,
        pause: Callable[[float], None],
        tell: Callable[[str], None],
    ) -> None:
        """Take token and endpoint from the environment. Raises NoToken, WrongSetting."""
        self._environ = environ
        self._token = environment.token(environ)
        self._base_url = environment.base_url(environ)
        self._timeout, self._pause, self._tell = timeout, pause, tell
        self._client: Cloudflare | None = None
        self.requests = 0

    def get(self, path: str, query: Mapping[str, object]) -> Answer:
        """The answer to a read. Raises Unreachable, Refused."""
        for attempt in range(1, READ_ATTEMPTS + 1):
            try:
                return self._asked(lambda client: client.get(path, cast_to=object, options={"params": query}))
            except Unreachable as error:
                if attempt == READ_ATTEMPTS:
                    raise Unreachable(f"{error} (tried {attempt} times)") from None
                self._pause(0.1 * 3 ** (attempt - 1))
        raise AssertionError("not reached")

    def post(self, path: str, body: Mapping[str, object]) -> Answer:
        """The answer to a write, which is sent once. Raises Refused; Unreachable where it may be made."""
        return self._asked(lambda client: client.post(path, cast_to=object, body=body))

    def _connected(self) -> "Cloudflare":
        if self._client is None:
            environment.check_network(self._environ, self._base_url)
            from dns.cloudflare.sdk import connected  # late: most of the time that this program takes

            try:
                self._client = connected(self._token, self._base_url, self._timeout)
            except (ValueError, ImportError, OSError) as error:
                raise WrongSetting(
                    f"Cloudflare cannot be asked ({_cause(error)}): {self._network_fix(error)}"
                ) from None
        return self._client

    def _asked(self, ask: "Callable[[Cloudflare], object]") -> Answer:
        """One request and its answer, repeated only where Cloudflare asks to wait, and not for ever."""
        client = self._connected()
        waited, waits = 0.0, 0
        while True:
            self.requests += 1
            try:
                with self._in_words():
                    return answers.envelope(ask(client))
            except _Wait as wait:
                seconds = max(wait.seconds, LEAST_WAIT * 2**waits)
                if waits == WAITS or waited + seconds > LONGEST_WAIT:
                    tried = f"asked {waits + 1} times in {waited:.0f} s, " if waits else ""
                    raise Refused(
                        f"{wait.message} ({tried}and it asks to wait {seconds:g} s more)", 971
                    ) from None
                self._tell(f"Cloudflare asks to wait {seconds:.0f} s (too many requests)")
                self._pause(seconds)
                waited, waits = waited + seconds, waits + 1

    @contextmanager
    def _in_words(self) -> Iterator[None]:
        """Turn what the SDK raises into our errors; the token is in none of them."""
        import cloudflare

        try:
            yield
        except cloudflare.APITimeoutError:
            raise Unreachable(
                "Cloudflare did not answer in time: see that the network works, and run again"
            ) from None
        except cloudflare.APIConnectionError as error:
            raise Unreachable(
                f"Cloudflare cannot be reached ({_cause(error)}): {self._network_fix(error)}"
            ) from None
        except cloudflare.APIStatusError as error:
            why = explained(error.status_code, error.body)
            if error.status_code == 429:
                raise _Wait(_retry_after(error.response.headers.get("retry-after")), why.text) from None
            if not why.usable:
                raise Unreachable(why.text) from None
            raise (NotPermitted if why.not_permitted else Refused)(why.text, why.code) from None
        except SyncError:
            raise
        except (cloudflare.CloudflareError, ValueError):
            # Half of a JSON answer, or one that is none.
            raise Unreachable(explained(200, None).text) from None

    def _network_fix(self, error: BaseException) -> str:
        text = _cause(error).lower()
        if "certificate" in text or "ssl" in text:
            named = environment.certificates_named(self._environ)
            return f"see the clock, the certificates ({named}), and whether a proxy answers in its place"
        if "name" in text and ("resol" in text or "known" in text or "address associated" in text):
            return "the name cannot be looked up, see the network and /etc/resolv.conf"
        if "proxy" in text:
            return f"see {environment.proxies_named(self._environ)}"
        return "see the network, a firewall or proxy (HTTPS_PROXY), and CLOUDFLARE_BASE_URL if set"


class _Wait(Exception):
    """A 429: nothing was done, and Cloudflare says when to ask again."""

    def __init__(self, seconds: float, message: str) -> None:
        super().__init__(message)
        self.seconds, self.message = seconds, message


def _cause(error: BaseException) -> str:
    """The innermost reason, in its own words."""
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__ or error
    return " ".join(str(error).split())[:200] or type(error).__name__


def _retry_after(text: str | None) -> float:
    """The seconds that a Retry-After means (RFC 9110, 10.2.3: seconds, or a date); 60 where it means none."""
    try:
        seconds = float(text or "")
    except ValueError:
        from email.utils import parsedate_to_datetime  # late: a date is rare, and this takes 5 ms

        try:
            seconds = parsedate_to_datetime(text or "").timestamp() - time.time()
        except (ValueError, OverflowError):
            return 60.0
    return max(0.0, seconds) if math.isfinite(seconds) else 60.0
