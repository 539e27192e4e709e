"""A message whose content is arriving, on its way to the store and through the checks that there are."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

from receiver.checks.verdict import Verdict
from receiver.smtp.transaction import trace
from receiver.smtp.transaction.header_gate import HeaderGate
from receiver.storage.log.record import Copy
from receiver.storage.store import Store

if TYPE_CHECKING:
    from receiver.checks.check import MessageCheck
    from receiver.keeping.quotas import Arrival
    from receiver.spam_filter import Judgement, SpamCheck

# Octets for the fields that are known only at the end of a message.
_RESULTS = 2048
_SPAM = 64


class Message:
    """A message. `check` is of its sender, `spam` by the spam filter. Each may be None.

    With one of them, the header section is held back until it is whole, and what a sender has forged is taken
    out. All else is stored as it came. With neither, `end` is all that is left to do at the end.
    """

    __slots__ = (
        "_check", "_fields", "_gate", "_received", "_spam", "_store", "arrival", "findings", "incoming",
    )  # fmt: skip

    def __init__(
        self,
        store: Store,
        identity: str,
        copies: Sequence[Copy],
        received: bytes,
        check: MessageCheck | None,
        spam: SpamCheck | None,
    ) -> None:
        self.arrival: Arrival | None = None  # what counts it against the quotas of its mailboxes
        self.findings: dict[str, object] = {}  # what was found out, for the message's line in the journal
        self._store, self._received = store, received
        self._check, self._spam = check, spam
        self._gate = HeaderGate() if check or spam else None
        self._fields: list[bytes] = []  # to be put on top. The last one can end in a comment.
        shared, slot = received, (_RESULTS if check else 0) + (_SPAM if spam else 0)
        if spam and not check:
            # A message that is no spam gets no field. So the Received field fills the slot.
            shared, slot = b"", slot + len(received)
            self._fields = [received]
        self.incoming = store.incoming(identity, copies, shared, slot)

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
        """All content has been added. Wait for the verdict on its sender; None without a check.

        Raises OSError.
        """
        if self._gate is not None:
            await self._store.write(self.incoming, self._without_forged(self._gate.rest()))
        if self._check is None:
            return None
        verdict = await self._check.verdict()
        self._fields = [verdict.field]
        self.incoming.sender = verdict.sender
        self.findings |= verdict.to_journal()
        return verdict

    async def judge(self, verdict: Verdict | None) -> Judgement | None:
        """After `end`: wait for what the spam filter says; None without one."""
        if self._spam is None:
            return None
        reverse = verdict.reverse if verdict else None
        confirmed = reverse.name if reverse and reverse.result == "pass" else ""
        # With a check, the Received field is a part of the content.
        size = sum(map(len, self._fields)) + self.incoming.size
        size += len(self._received) if self._check else 0
        judgement = await self._spam.judge(size, self._content(), confirmed)
        self.findings |= judgement.to_journal()
        if self._spam.taken_out:
            self.findings["spam_fields"] = self._spam.taken_out
        if judgement.field:
            self._fields.insert(0, judgement.field)
        return judgement

    def finish(self) -> None:
        """Put on top what has been found out. The message is ready to be delivered then."""
        if self._fields:
            self.incoming.put_on_top(trace.fill_slot(self._fields, self.incoming.room_on_top))

    async def _content(self) -> AsyncIterator[bytes]:
        yield b"".join(self._fields)
        async for piece in self._store.content(self.incoming):
            yield piece

    def _without_forged(self, head: bytes) -> bytes:
        is_cut = bool(head) and not head.endswith(b"\r\n")  # A chunk may end anywhere (RFC 3030).
        if is_cut:
            head += b"\r\n"
        if self._check is not None:
            head = self._check.head(head)
        if self._spam is not None:
            head = self._spam.head(head)
        return head.removesuffix(b"\r\n") if is_cut else head
