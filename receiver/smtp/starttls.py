"""The server's side of STARTTLS: a TLS handshake on an open connection (RFC 3207)."""

from __future__ import annotations

import asyncio
import ssl

from receiver.smtp.transaction.trace import TLS

_LONGEST_HANDSHAKE = 60  # seconds
_LONGEST_CLOSURE = 5  # seconds for the peer's part of a TLS closure


class HandshakeFailed(Exception):
    """The handshake failed, and the transport is closed. `str(e)` says why.

    The protocol's `connection_lost` may or may not have been called.
    """


async def upgrade_to_tls(
    loop: asyncio.AbstractEventLoop,
    plain: asyncio.Transport,
    protocol: asyncio.Protocol,
    context: ssl.SSLContext,
    seconds: float,
) -> tuple[asyncio.Transport, TLS]:
    """Do the handshake within `seconds`. Returns the encrypted transport, and its TLS version and cipher.

    Raises HandshakeFailed. If a handshake fails, asyncio and uvloop call the protocol's `connection_lost` in
    some cases and not in others: not after a reset, and asyncio not after a timeout.
    """
    try:
        secured = await loop.start_tls(
            plain, protocol, context, server_side=True,
            ssl_handshake_timeout=min(_LONGEST_HANDSHAKE, seconds), ssl_shutdown_timeout=_LONGEST_CLOSURE,
        )  # fmt: skip
    except Exception as error:
        plain.abort()
        raise HandshakeFailed(str(error) or type(error).__name__) from None
    if secured is None or secured.is_closing():
        plain.abort()
        raise HandshakeFailed("the connection ended just after the handshake")
    cipher, version, _ = secured.get_extra_info("cipher")
    return secured, TLS(version, cipher)
