"""Showing the one-time address to a person: as a link, and as a QR code that a phone reads."""

from __future__ import annotations

import io
from collections.abc import Mapping

import segno

from receiver.reading.terminal import BOLD, Screen

_WHITE_ON_BLACK = "97;40"  # segno draws the light modules


def announce(event: Mapping[str, object], screen: Screen) -> None:
    """Show the address of a host's event `waiting`, `{"address", "mailto"}`."""
    address, mailto = str(event["address"]), str(event["mailto"])
    screen.line("Send any message, from anywhere, to")
    screen.line(f"  {screen.styled(address, BOLD)}")
    screen.line(f"  {mailto}")
    code = qr_code(mailto)
    if screen.shows_blocks and len(code[0]) < screen.columns:
        for line in code:
            screen.line(screen.styled(line, _WHITE_ON_BLACK))


def qr_code(text: str) -> list[str]:
    """The code (ISO/IEC 18004) in lines of half blocks, its margin included. A block is a light module."""
    drawn = io.StringIO()
    segno.make_qr(text, error="l").terminal(drawn, compact=True)
    return drawn.getvalue().splitlines()
