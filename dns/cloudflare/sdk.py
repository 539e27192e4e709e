"""The official SDK's client, loaded late and in as little time as it takes: most of what a run costs."""

import gc
import ssl
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx
    from cloudflare import Cloudflare


def connected(token: str, base_url: str | None, seconds: float) -> "Cloudflare":
    """A client that repeats nothing by itself. ``seconds`` is how long an answer may take.

    Raises ValueError, ImportError or OSError where the environment's proxy or certificates cannot be
    used.
    """
    with _quickly():
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
    # With these in the environment the SDK would silently leave the token out.
    client.api_email = client.api_key = client.user_service_key = None
    # And with CLOUDFLARE_CUSTOM_HEADERS it would send another program's headers, or token, in place of ours.
    client._custom_headers = {}
    return client


def _without_tls(base_url: str | None, timeout: "httpx.Timeout") -> "httpx.Client | None":
    """For an endpoint without TLS, a client that trusts no certificate: to load them takes 30 ms.

    It follows no redirection, which could only lead to TLS.
    """
    import httpx

    if base_url is None or not base_url.startswith("http:"):
        return None
    nobody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return httpx.Client(base_url=base_url, timeout=timeout, verify=nobody)


@contextmanager
def _quickly() -> Iterator[None]:
    """Import without httpx's own command line (70 ms for click and rich), and without collecting (30 ms)."""
    skipped = "httpx._main"
    was_enabled = gc.isenabled()
    gc.disable()
    if "httpx" not in sys.modules:
        # None makes the import fail, which httpx takes for click not being installed.
        sys.modules[skipped] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        if sys.modules.get(skipped, "") is None:
            del sys.modules[skipped]
        if was_enabled:
            gc.enable()
