"""The phases of a connection, and the transitions between them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto


class Phase(Enum):
    """The meaning of the octets that arrive now."""

    GREETING = auto()  # No octet may arrive before we have greeted (RFC 5321 section 4.3.1).
    COMMANDS = auto()  # They are command lines.
    HANDSHAKE = auto()  # They are a TLS handshake after STARTTLS (RFC 3207).
    CONTENT = auto()  # They are a message after DATA, or a chunk after BDAT (RFC 3030).
    CLOSING = auto()  # We have given our last reply, and discard all that arrives.


FOLLOWS: Mapping[Phase, frozenset[Phase]] = {
    Phase.GREETING: frozenset({Phase.COMMANDS, Phase.CLOSING}),
    Phase.COMMANDS: frozenset({Phase.HANDSHAKE, Phase.CONTENT, Phase.CLOSING}),
    Phase.HANDSHAKE: frozenset({Phase.COMMANDS, Phase.CLOSING}),
    Phase.CONTENT: frozenset({Phase.COMMANDS, Phase.CLOSING}),
    Phase.CLOSING: frozenset({Phase.CLOSING}),
}
