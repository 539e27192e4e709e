"""Showing the one-time address to a person: as a link, and as a QR code that a phone reads."""

from __future__ import annotations

import io

import segno

from receiver.proof.display import Display, mailto

_WHITE_ON_BLACK = "97;40"  # segno draws the light modules as blocks


class DisplayWithCode(Display):
    """What a person sees on the control machine: the same as on a host, and the link as a QR code."""

    def address(self, address: str) -> None:
        super().address(address)
        code = qr_code(mailto(address))
        if self.screen.shows_blocks and len(code[0]) < self.screen.columns:
            for line in code:
                self.screen.line(self.screen.styled(line, _WHITE_ON_BLACK))


def qr_code(text: str) -> list[str]:
    """The code (ISO/IEC 18004) in lines of half blocks, its margin included. A block is a light module."""
    drawn = io.StringIO()
    segno.make_qr(text, error="l").terminal(drawn, compact=True)
    return drawn.getvalue().splitlines()
