"""Who is connected, what is being done for them, and sending them home."""

from __future__ import annotations

import asyncio
from typing import Protocol

from receiver.smtp.admission import Admission
from receiver.smtp.replies import Reply, shutting_down
from receiver.system.journal import log

_SILENCE = 0.5  # seconds without a command after which a shutdown waits for a sender no longer
_LAST_WORK = 5.0  # seconds more that a shutdown waits for work that nobody waits for any longer


class Member(Protocol):
    """A connection, as far as others need to know of it."""

    heard: float  # when the peer last said something, by the loop's clock

    @property
    def is_closing(self) -> bool: ...
    @property
    def in_message(self) -> bool: ...
    def close(self, reply: Reply | None = None) -> None: ...
    def abort(self) -> None: ...


class OpenConnections:
    """Every `enter` that returns None is paired with one `leave`. `tasks` is work for connections."""

    def __init__(self, admission: Admission) -> None:
        self.admission = admission
        self.members: set[Member] = set()
        self.tasks: set[asyncio.Task[None]] = set()

    def enter(self, member: Member, peer: str) -> Reply | None:
        """Count a connection in, or the reply it is refused with."""
        refusal = self.admission.enter(peer)
        if refusal is None:
            self.members.add(member)
        elif self.admission.worth_a_line(peer):
            log("refused", peer=peer, reason=refusal)
        return refusal

    def leave(self, member: Member, peer: str) -> None:
        self.members.discard(member)
        self.admission.leave(peer)

    def add_task(self, task: asyncio.Task[None]) -> None:
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def dismiss(self, hostname: str, seconds: float) -> None:
        """Let conversations and messages under way come to their end, for a while; say 421 to the silent.

        The listening sockets are systemd's, and new connections wait in them: a sender that is not idle
        notices nothing of a restart.
        """
        farewell = shutting_down(hostname)
        now = asyncio.get_running_loop().time
        until = now() + seconds
        while self.members or self.tasks:
            over = now() >= until
            for member in tuple(self.members):
                silent = not member.in_message and now() - member.heard > _SILENCE
                if not member.is_closing and (over or silent):
                    member.close(farewell)
                if over:
                    member.abort()
            if now() >= until + _LAST_WORK:
                # A disk that does not answer. Nothing of this was answered 250: the senders will try again.
                log("error", error="work is still under way", tasks=len(self.tasks), note="ending without it")
                return
            await asyncio.sleep(0.02)
