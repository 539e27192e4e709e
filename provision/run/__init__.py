"""What every step of a run shares: the frame it stands in, the inventory, and how a refused run ends."""

from __future__ import annotations
