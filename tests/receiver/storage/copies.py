"""The copies and the size of segment that the tests of the write-ahead log use."""

from __future__ import annotations

from receiver.mailbox import Mailbox
from receiver.storage.log.record import Copy
from receiver.storage.log.segment import BLOCK

ALICE, BOB = Mailbox("example.test", "alice"), Mailbox("bücher.example", "b ob")
COPIES = (Copy(ALICE, b"Delivered-To: alice\r\n"), Copy(BOB, b""))
SIZE = 64 * BLOCK
