"""Sending a ping, within a time that no server can stretch.

A redirect is not followed, because the address is a secret and is for one server alone. No proxy of the
environment is used. The words of an error never hold the address.
"""

from __future__ import annotations

import ssl
import threading
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException
from typing import TypeVar
from urllib.error import HTTPError, URLError

from services.heartbeat.findings import one_line
from services.heartbeat.switch import Ping

T = TypeVar("T")

_AGENT = "letterbox-heartbeat"
_LONGEST = 2048  # octets of an answer that are read


@dataclass(frozen=True, slots=True)
class Patience:
    """How long one try may take with the look-up of the name, and how many there are. Times in seconds.

    There are several, because a single lost packet must not look like a dead host.
    """

    seconds: float = 12.0
    tries: int = 3
    pause: float = 4.0


PATIENCE = Patience()


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None  # urllib then raises HTTPError


def send(ping: Ping, patience: Patience = PATIENCE) -> str:
    """Send it, and again if it did not arrive. Returns why it did not; empty if it did."""
    failure, seconds = "it was not tried", patience.seconds
    for number in range(patience.tries):
        if number:
            time.sleep(patience.pause)
        failure = within(seconds, lambda: _request(ping, seconds), f"no answer within {seconds:g} s")
        if not failure:
            return ""
    return failure


def within(seconds: float, work: Callable[[], T], late: T) -> T:
    """The result of the work, or `late` if it takes longer. It then goes on, and ends with the process.

    A time limit of a socket is for each piece of an answer, and there is none for the look-up of a name.
    """
    results: list[T] = []
    thread = threading.Thread(target=lambda: results.append(work()), daemon=True)
    thread.start()
    thread.join(seconds)
    return results[0] if results else late


def _request(ping: Ping, seconds: float) -> str:
    """Ask once. Returns why it was not taken; empty if it was."""
    body = None if ping.body is None else ping.body.encode()
    headers = {"User-Agent": _AGENT, "Content-Type": "text/plain; charset=utf-8"}
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}),
        _NoRedirect,
        urllib.request.HTTPSHandler(context=ssl.create_default_context()),
    )
    try:
        # `switch.parse_switch` has looked at its scheme.
        request = urllib.request.Request(ping.url, body, headers)  # noqa: S310
        with opener.open(request, timeout=seconds) as answer:
            said = answer.read(_LONGEST).decode("utf-8", "replace").strip()
    except HTTPError as error:
        with error:
            if 300 <= error.code < 400:
                return f"it answers HTTP {error.code}, a redirect, which is not followed: correct the address"
            return f"it answers HTTP {error.code}"
    except URLError as error:
        return one_line(f"it cannot be reached: {error.reason}")
    except (OSError, HTTPException, ValueError) as error:
        return one_line(f"it cannot be reached: {type(error).__name__}")
    # Healthchecks answers 200 to an address that it does not know, too.
    return one_line(f"it does not count the ping: {said}") if said.startswith("OK (") else ""
