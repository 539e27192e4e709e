"""What the command lines share: their arguments, colour, and progress."""

from __future__ import annotations
