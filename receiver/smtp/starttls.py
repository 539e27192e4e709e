"""The server's side of a TLS handshake on a connection that is open already (RFC 3207)."""

from __future__ import annotations

import asyncio
import ssl

from receiver.smtp.trace import TLS

_LONGEST = 60  # seconds for the handshake
_GOODBYE = 5  # seconds for the peer's part of a TLS closure


class HandshakeFailed(Exception):
    """`str(e)` says why. The transport is closed; whether its protocol was told is left to chance."""


async def secure(
    loop: asyncio.AbstractEventLoop,
    plain: asyncio.Transport,
    protocol: asyncio.Protocol,
    context: ssl.SSLContext,
    seconds: float,
) -> tuple[asyncio.Transport, TLS]:
    """The transport to use from now on, and how it is encrypted. Raises HandshakeFailed.

    asyncio and uvloop call the protocol's `connection_lost` for some of the ways in which a handshake fails,
    and not for others (a reset; with asyncio also the end of its time).
    """
    try:
        secured = await loop.start_tls(
            plain, protocol, context, server_side=True,
            ssl_handshake_timeout=min(_LONGEST, seconds), ssl_shutdown_timeout=_GOODBYE,
        )  # fmt: skip
    except Exception as error:
        plain.abort()
        raise HandshakeFailed(str(error) or type(error).__name__) from None
    if secured is None or secured.is_closing():
        plain.abort()
        raise HandshakeFailed("the connection ended just after it")
    cipher, version, _ = secured.get_extra_info("cipher")
    return secured, TLS(version, cipher)
