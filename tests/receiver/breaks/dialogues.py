"""The dialogues whose connections are broken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

HEAD = b"EHLO x\r\nMAIL FROM:<a@b.test> SIZE=1000\r\nRCPT TO:<a@example.test>\r\nRCPT TO:<b@example.test>\r\n"
GREETING = ("expect", b"220 mx.example.test")
ENVELOPE = [GREETING, ("send", HEAD), ("expect", b"<b@example.test> OK")]
LARGE = b"Subject: large\r\n\r\n" + b"x" * 990 * 200 + b"\r\n"


@dataclass(frozen=True, eq=False)
class Dialogue:
    """What a client does, step by step, and a limit that is different for it."""

    name: str
    steps: Sequence[tuple[str, bytes]]
    greeting_delay: int = 0


DIALOGUES = (
    Dialogue(
        "small message", [*ENVELOPE, ("send", b"DATA\r\n"), ("expect", b"354"), ("send", b"x\r\n.\r\n"),
                          ("expect", b"250"), ("send", b"QUIT\r\n"), ("expect", b"221"), ("end", b"")]),
    Dialogue("large message", [*ENVELOPE, ("send", b"DATA\r\n"), ("expect", b"354"), ("send", LARGE),
                               ("pause", b""), ("send", LARGE[50_000:] + b".\r\n"), ("expect", b"")]),
    Dialogue("reset in a large message", [*ENVELOPE, ("send", b"BDAT 200000\r\n" + b"x" * 200_000),
                                          ("expect", b"250"), ("send", b"RSET\r\n"), ("expect", b"250")]),
    Dialogue("chunks", [*ENVELOPE, ("send", b"BDAT 3\r\nx\r\n"), ("expect", b"250"),
                        ("send", b"BDAT 3 LAST\r\ny\r\n"), ("expect", b"250")]),
    Dialogue("too large", [*ENVELOPE, ("send", b"DATA\r\n"), ("expect", b"354"), ("send", LARGE * 3),
                           ("send", b".\r\n"), ("expect", b"552")]),
    Dialogue("replies that nobody reads", [GREETING, ("flood", b"HELP\r\n" * 10_000), ("pause", b"")]),
    Dialogue("late greeting", [("expect", b"220"), ("send", b"QUIT\r\n"), ("expect", b"221")], 1),
    Dialogue("too early", [("send", b"EHLO x\r\n"), ("expect", b"421")], 1),
    Dialogue("nonsense", [GREETING, ("send", b"\0\n" * 1100), ("expect", b"500")]),
    Dialogue("TLS", [GREETING, ("send", b"EHLO x\r\nSTARTTLS\r\n"), ("expect", b"220 2.0.0"),
                     ("hello", b""), ("finish", b""), ("send", HEAD + b"DATA\r\n"),
                     ("expect", b"354"), ("send", b"x\r\n.\r\n"), ("expect", b"250"), ("send", b"QUIT\r\n"),
                     ("expect", b"221"), ("end", b"")]),
    Dialogue("half a hello", [GREETING, ("send", b"STARTTLS\r\n"), ("expect", b"220 2.0.0"),
                              ("half hello", b"")]),
    Dialogue("no hello", [GREETING, ("send", b"STARTTLS\r\n"), ("expect", b"220 2.0.0"), ("pause", b""),
                          ("send", b"NOOP\r\n" * 5), ("pause", b"")]),
    Dialogue("TLS, and replies that nobody reads",
             [GREETING, ("send", b"STARTTLS\r\n"), ("expect", b"220 2.0.0"), ("hello", b""), ("finish", b""),
              ("flood", b"HELP\r\n" * 10_000), ("pause", b"")]),
)  # fmt: skip
