"""Whether the world sees what a domain that receives mail needs: `python -m dns.check DOMAIN`."""

from __future__ import annotations

from dns.check.command import main
from dns.check.examination import examine

__all__ = ["examine", "main"]
