"""The phases of a connection, and which may follow which."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto


class Phase(Enum):
    """What the octets that arrive now are."""

    GREETING = auto()  # nothing may arrive before we have greeted (RFC 5321 section 4.3.1)
    COMMANDS = auto()  # command lines
    HANDSHAKE = auto()  # TLS, after STARTTLS (RFC 3207)
    CONTENT = auto()  # a message after DATA, or a chunk after BDAT (RFC 3030)
    CLOSING = auto()  # our last reply has been given: what arrives is thrown away


FOLLOWS: Mapping[Phase, frozenset[Phase]] = {
    Phase.GREETING: frozenset({Phase.COMMANDS, Phase.CLOSING}),
    Phase.COMMANDS: frozenset({Phase.HANDSHAKE, Phase.CONTENT, Phase.CLOSING}),
    Phase.HANDSHAKE: frozenset({Phase.COMMANDS, Phase.CLOSING}),
    Phase.CONTENT: frozenset({Phase.COMMANDS, Phase.CLOSING}),
    Phase.CLOSING: frozenset({Phase.CLOSING}),
}
