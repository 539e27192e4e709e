"""The open connections and the work for them, and closing them all at a shutdown."""

from __future__ import annotations

import asyncio
from typing import Protocol

from receiver.smtp.admission import Admission
from receiver.smtp.replies import Reply, shutting_down
from receiver.system.journal import log

_SILENCE = 0.5  # seconds of a sender's silence after which a shutdown closes its connection
_LAST_WORK = 5.0  # seconds that a shutdown waits for work after it has closed all connections


class OpenConnection(Protocol):
    """A connection as this module sees it (`connection.Connection`)."""

    last_heard: float  # when octets last arrived, by the loop's clock

    @property
    def is_closing(self) -> bool: ...
    @property
    def is_working(self) -> bool: ...
    def close(self, reply: Reply | None = None) -> None: ...
    def abort(self) -> None: ...


class OpenConnections:
    """The connections, and the tasks that work for them.

    For each `enter` that returned None, call `leave` once. A task may outlive its connection, because a
    message is stored to its end after its sender has gone.
    """

    def __init__(self, admission: Admission) -> None:
        self.admission = admission
        self.connections: set[OpenConnection] = set()
        self.tasks: set[asyncio.Task[None]] = set()

    def enter(self, connection: OpenConnection, peer: str) -> Reply | None:
        """Add a connection from this IP address, or return the reply that refuses it."""
        refusal = self.admission.enter(peer)
        if refusal is None:
            self.connections.add(connection)
        elif self.admission.should_log_refusal(peer):
            log("refused", peer=peer, reason=refusal)
        return refusal

    def leave(self, connection: OpenConnection, peer: str) -> None:
        self.connections.discard(connection)
        self.admission.leave(peer)

    def add_task(self, task: asyncio.Task[None]) -> None:
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def close_all(self, hostname: str, seconds: float) -> None:
        """Close all connections with 421: silent ones at once, the others when they are silent or time is up.

        Conversations and messages have `seconds` seconds to end. systemd holds the listening sockets, and new
        connections wait there, so a sender that is not idle does not notice a restart.
        """
        farewell = shutting_down(hostname)
        now = asyncio.get_running_loop().time
        until = now() + seconds
        while self.connections or self.tasks:
            over = now() >= until
            for each in tuple(self.connections):
                silent = not each.is_working and now() - each.last_heard > _SILENCE
                if not each.is_closing and (over or silent):
                    each.close(farewell)
                if over:
                    each.abort()
            if now() >= until + _LAST_WORK:
                # The disk does not answer. These messages were not answered 250, so their senders try again.
                log("error", error="work is still under way", tasks=len(self.tasks), note="ending without it")
                return
            await asyncio.sleep(0.02)
