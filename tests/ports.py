"""Ports for servers that take a number and cannot take a socket."""

from __future__ import annotations

import fcntl
import os
import random
import socket
import tempfile
from contextlib import suppress
from pathlib import Path

# Below the ports that Linux gives to connections (net.ipv4.ip_local_port_range of ip(7)). A connection of any
# program could take one of those between our look and the server's start.
_PORTS = range(20_000, 32_000)
_given: set[int] = set()
# Its octet at the offset of a port is locked by the process that was given the port, until that process ends.
# So another stream of the tests does not get it before its server has started, or while nobody is to listen.
_taken = os.open(
    Path(tempfile.gettempdir(), f"letterbox-ports-{os.getuid()}"),
    os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC,
    0o600,
)


def free_port(address: str = "127.0.0.1") -> int:
    """A port of this address, free for TCP and UDP, which no process of the tests has been given."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    for port in random.sample(_PORTS, min(200, len(_PORTS))):
        if port not in _given:
            with suppress(OSError):
                fcntl.lockf(_taken, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
                _given.add(port)
                with (
                    socket.create_server((address, port), family=family),
                    socket.socket(family, socket.SOCK_DGRAM) as udp,
                ):
                    udp.bind((address, port))
                    return port
    raise OSError("no free port was found in 200 tries")
