"""Ports for servers that take a number and cannot take a socket."""

from __future__ import annotations

import random
import socket
from contextlib import suppress

# Below the ports that Linux gives to connections (net.ipv4.ip_local_port_range of ip(7)). A connection of any
# program could take one of those between our look and the server's start.
_PORTS = range(20_000, 32_000)
_given: set[int] = set()


def free_port(address: str = "127.0.0.1") -> int:
    """A port of this address, free for TCP and UDP, which this process has not been given before."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    for port in random.sample(_PORTS, 200):
        if port not in _given:
            with (
                suppress(OSError),
                socket.create_server((address, port), family=family),
                socket.socket(family, socket.SOCK_DGRAM) as udp,
            ):
                udp.bind((address, port))
                _given.add(port)
                return port
    raise OSError("no free port was found in 200 tries")
