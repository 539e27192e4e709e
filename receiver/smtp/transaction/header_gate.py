"""Holding the header section of a message back until it is whole. The content arrives in any pieces. Pure.

The header section ends at the first empty line (RFC 5322 section 2.1). A message that begins with an empty
line has no header section. A message without an empty line is all header section.
"""

from __future__ import annotations

LIMIT = 262_144  # octets of a header section, which the receiver holds in memory; mail readers read no more


class HeaderTooLarge(Exception):
    """The header section has more than LIMIT octets."""


class HeaderGate:
    """The header section so far. A gate that has opened is not used again."""

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held = bytearray()

    def add(self, piece: bytes) -> tuple[bytes, bytes] | None:
        """Add content. When the header section is whole, return it and what follows, from its empty line on.

        Returns None until then. Raises HeaderTooLarge.
        """
        if not self._held:
            found = _cut(piece, 0)  # Nearly always the first piece has the whole header section.
            if found is None:
                self._held += piece
            return found
        start = max(0, len(self._held) - 3)  # The empty line may have begun in the last piece.
        self._held += piece
        return _cut(self._held, start)

    def rest(self) -> bytes:
        """What is held. At the end of the message this is its header section."""
        return bytes(self._held)


def _cut(held: bytes | bytearray, start: int) -> tuple[bytes, bytes] | None:
    if held.startswith(b"\r\n"):
        return b"", bytes(held)
    end = held.find(b"\r\n\r\n", start, LIMIT + 2)
    if end >= 0:
        return bytes(held[: end + 2]), bytes(held[end + 2 :])
    if len(held) >= LIMIT + 2:
        raise HeaderTooLarge
    return None
