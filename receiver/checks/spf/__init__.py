"""SPF (RFC 7208): whether a peer's address may send mail for a domain.

It is our own because no library fits. pyspf blocks, and its DNS can only be replaced by patching a global.
emailsec fails a third of the official suite. spftrace is new, and made to trace one record.
"""

from __future__ import annotations

from receiver.checks.spf.evaluation import check_host

__all__ = ["check_host"]
