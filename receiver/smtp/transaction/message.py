"""A message whose content is arriving, on its way to the store and through the checks of its sender."""

from __future__ import annotations

from typing import TYPE_CHECKING

from receiver.checks.verdict import Verdict
from receiver.smtp.transaction import trace
from receiver.smtp.transaction.header_gate import HeaderGate
from receiver.storage.incoming import Incoming
from receiver.storage.store import Store

if TYPE_CHECKING:
    from receiver.checks.check import MessageCheck

SLOT = 2048  # octets for the fields that are known only at the end of a message


class Message:
    """A message. With a check, its header section is held back until it is whole.

    Forged results are taken out of the header section. All else is stored as it came.
    """

    __slots__ = ("_check", "_gate", "_store", "incoming")

    def __init__(self, store: Store, incoming: Incoming, check: MessageCheck | None) -> None:
        self.incoming = incoming
        self._store = store
        self._check = check
        self._gate = HeaderGate() if check else None

    async def add(self, piece: bytes) -> None:
        """Add a piece of content. Raises OSError or HeaderTooLarge, and can only be abandoned then."""
        if self._gate is not None:
            whole = self._gate.add(piece)
            if whole is None:
                return
            self._gate = None
            head, rest = whole
            piece = self._without_forged(head) + rest
            if self._check is not None:
                self._check.update(rest[2:])
        elif self._check is not None:
            self._check.update(piece)
        await self._store.write(self.incoming, piece)

    async def end(self) -> Verdict | None:
        """All content has been added. Wait for the verdict, and put its field on top. Raises OSError.

        None without a check.
        """
        if self._check is None:
            return None
        if self._gate is not None:
            await self._store.write(self.incoming, self._without_forged(self._gate.rest()))
        verdict = await self._check.verdict()
        self.incoming.put_on_top(trace.fill_slot([verdict.field], self.incoming.room_on_top))
        return verdict

    def _without_forged(self, head: bytes) -> bytes:
        if self._check is None:
            return head
        if head and not head.endswith(b"\r\n"):  # A chunk may end anywhere (RFC 3030).
            return self._check.head(head + b"\r\n").removesuffix(b"\r\n")
        return self._check.head(head)
