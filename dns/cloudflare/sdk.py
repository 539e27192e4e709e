"""The client of the official SDK, imported late and fast, because the import takes most of a run's time."""

from __future__ import annotations

import gc
import ssl
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx
    from cloudflare import Cloudflare


def connect(token: str, base_url: str | None, seconds: float) -> Cloudflare:
    """Make a client that tries nothing again by itself. `seconds` is how long an answer may take.

    Raises ValueError, ImportError or OSError if the proxy or the certificates of the environment cannot be
    used.
    """
    with _fast_import():
        import httpx
        from cloudflare import Cloudflare

    timeout = httpx.Timeout(seconds, connect=min(10.0, seconds))
    try:
        client = Cloudflare(
            api_token=token,
            base_url=base_url,
            max_retries=0,
            timeout=timeout,
            http_client=_without_tls(base_url, timeout),
        )
    except httpx.InvalidURL as error:
        raise ValueError(str(error)) from None
    # If the environment sets these, the SDK silently leaves the token out.
    client.api_email = client.api_key = client.user_service_key = None
    # CLOUDFLARE_CUSTOM_HEADERS may hold the headers or the token of another program.
    client._custom_headers = {}
    return client


def _without_tls(base_url: str | None, timeout: httpx.Timeout) -> httpx.Client | None:
    """For an endpoint without TLS, a client that loads no certificates, which would take 30 ms.

    The client follows no redirection, so it never needs TLS.
    """
    import httpx

    if base_url is None or not base_url.startswith("http:"):
        return None
    trusts_nobody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return httpx.Client(base_url=base_url, timeout=timeout, verify=trusts_nobody)


@contextmanager
def _fast_import() -> Iterator[None]:
    """Import httpx without its command line, and without garbage collection.

    The command line brings click and rich, which nothing here uses. An import makes many objects and no
    garbage. CPU time of the import, median of 15 processes: 431 ms as it is, 345 ms without the command
    line, 334 ms also without garbage collection.
    """
    command_line = "httpx._main"
    was_enabled = gc.isenabled()
    gc.disable()
    if "httpx" not in sys.modules:
        # With None here the import fails, and httpx goes on without it, as if click were not installed.
        sys.modules[command_line] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        if sys.modules.get(command_line, "") is None:
            del sys.modules[command_line]
        if was_enabled:
            gc.enable()
