"""The moments of a connection at which it can be broken.

A moment is before or after a callback of a connection, a place where its coroutine waits, or a step of the
client.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from receiver.smtp.connection import Connection
from tests.receiver.breaks.dialogues import Dialogue


@dataclass
class Case:
    """One play of a dialogue. It breaks off at the moment `breaks_at`, after `passes` of the same name.

    `break_off` is what the client does then, given the way. `lost` is set when the receiver has ended the
    connection.
    """

    dialogue: Dialogue
    breaks_at: str = ""
    passes: int = 0
    way: str = ""
    moments: list[str] = field(default_factory=list)
    break_off: Callable[[str], None] | None = None
    lost: asyncio.Event = field(default_factory=asyncio.Event)

    def moment(self, name: str) -> None:
        if name == self.breaks_at and self.break_off and self.moments.count(name) == self.passes:
            self.break_off(self.way)
        self.moments.append(name)

    @property
    def was_broken(self) -> bool:
        return self.moments.count(self.breaks_at) > self.passes

    def __str__(self) -> str:
        return f"{self.dialogue.name}: {self.way} at {self.breaks_at} ({self.passes})"


CASES: dict[tuple[str, int], Case] = {}  # by the address of the client


class Watched(Connection):
    """A connection that tells its case of each moment."""

    case: Case | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if self.case is None:
            self.case = CASES.get(transport.get_extra_info("peername"))
        self._moment("connection_made")
        super().connection_made(transport)
        self._moment("connection_made, done")

    def data_received(self, data: bytes) -> None:
        self._moment("data_received")
        super().data_received(data)
        self._moment("data_received, done")

    def eof_received(self) -> bool:
        self._moment("eof_received")
        return super().eof_received()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._moment("pause_writing")

    def resume_writing(self) -> None:
        super().resume_writing()
        self._moment("resume_writing")

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        if self.case:
            self.case.lost.set()
        self._moment("connection_lost")

    def _greet(self) -> None:
        self._moment("_greet")
        super()._greet()

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        super()._start(_Steps(work, self._moment))  # type: ignore[arg-type]

    def _moment(self, name: str) -> None:
        if self.case:
            self.case.moment(name)


class _Steps:
    """A coroutine that tells where it waits, each time it waits."""

    def __init__(self, work: Coroutine[Any, Any, None], tell: Callable[[str], None]) -> None:
        self._work, self._tell = work, tell

    def send(self, value: Any) -> Any:
        return self._tell_and_pass_on(self._work.send(value))

    def throw(self, error: BaseException) -> Any:
        return self._tell_and_pass_on(self._work.throw(error))

    def _tell_and_pass_on(self, waits_for: Any) -> Any:
        self._tell(f"waits in {where(self._work)}")
        return waits_for


def where(work: Any) -> str:
    """The innermost function of ours in which a coroutine waits."""
    name = ""
    while work is not None and hasattr(work, "cr_frame"):
        if work.cr_frame and "receiver" in work.cr_frame.f_code.co_filename:
            name = work.cr_code.co_qualname
        work = work.cr_await
    return name
