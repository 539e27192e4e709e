"""Connections for tests, without a server around them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from receiver.checks.check import Checks
from receiver.config.values import Config
from receiver.smtp.admission import Admission
from receiver.smtp.certificate import Certificate
from receiver.smtp.connection import Connection
from receiver.smtp.open_connections import OpenConnections
from receiver.smtp.reception import Reception
from receiver.storage.store import Store


@dataclass(frozen=True)
class Site:
    """The parts that all connections of a receiver share. Make it inside its event loop."""

    connections: OpenConnections
    new: Callable[[], Connection]


def new_site(
    config: Config,
    store: Store,
    certificate: Certificate | None = None,
    kind: type[Connection] = Connection,
    checks: Checks | None = None,
) -> Site:
    reception, connections = Reception(config, store, checks), OpenConnections(Admission(config.limits))
    loop = asyncio.get_running_loop()
    return Site(connections, lambda: kind(reception, connections, certificate, loop))
