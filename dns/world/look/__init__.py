"""Looking at a domain from outside: everything in `Seen`, asked at the same time where possible."""

from __future__ import annotations

from dns.world.look.look import look

__all__ = ["look"]
