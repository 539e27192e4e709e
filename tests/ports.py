"""Ports for servers that take a number and cannot take a socket."""

from __future__ import annotations

import random
import socket
from contextlib import suppress

# Below the ports that Linux gives to connections (net.ipv4.ip_local_port_range of ip(7)). A connection of any
# program could take one of those between our look and the server's start.
_PORTS = range(20_000, 32_000)
# Not the module's generator, which Hypothesis seeds: several runs of tests would draw the same numbers.
_CHANCE = random.SystemRandom()
_claims: dict[int, socket.socket] = {}
"""The ports that this process has been given. The name of each socket keeps its port from other processes."""


def free_port(address: str = "127.0.0.1") -> int:
    """A port of this address, free for TCP and UDP, which no process of tests has that still runs."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    for port in _CHANCE.sample(_PORTS, min(200, len(_PORTS))):
        if port not in _claims:
            claim = socket.socket(socket.AF_UNIX)
            with suppress(OSError):
                claim.bind(f"\0letterbox-tests-port-{port}")  # such a name goes with its process (unix(7))
                with (
                    socket.create_server((address, port), family=family),
                    socket.socket(family, socket.SOCK_DGRAM) as udp,
                ):
                    udp.bind((address, port))
                    _claims[port] = claim
                    return port
            claim.close()
    raise OSError("no free port was found in 200 tries")
