"""The listening sockets: parsing `--listen`, opening sockets, and writing their addresses."""

from __future__ import annotations

import ipaddress
import socket


def parse_address(text: str) -> tuple[str, int]:
    """Parse ADDRESS:PORT, such as `127.0.0.1:2525`, `[::1]:2525` or `:25`. Raises ValueError."""
    host, colon, port = text.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise ValueError(f"{text!r} is not ADDRESS:PORT")
    return host.strip("[]") or "0.0.0.0", int(port)  # noqa: S104


def open_socket(host: str, port: int) -> socket.socket:
    """Open a non-blocking socket that is bound to the address. Raises OSError that names the address."""
    family = _family(host)
    opened = socket.socket(family, socket.SOCK_STREAM)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    try:
        opened.bind((host, port))
    except OSError as error:
        opened.close()
        raise OSError(f"{host} port {port}: {error.strerror}") from None
    opened.setblocking(False)
    return opened


def _family(host: str) -> socket.AddressFamily:
    try:
        is_ipv6 = ipaddress.ip_address(host).version == 6
    except ValueError:  # It is a host name.
        is_ipv6 = False
    return socket.AF_INET6 if is_ipv6 else socket.AF_INET


def address_text(listening: socket.socket) -> str:
    """The address of a socket as ADDRESS:PORT, as `parse_address` reads it."""
    name = listening.getsockname()
    if not isinstance(name, tuple):
        return str(name)
    host = f"[{name[0]}]" if listening.family == socket.AF_INET6 else name[0]
    return f"{host}:{name[1]}"
