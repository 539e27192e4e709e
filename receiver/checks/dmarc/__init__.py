"""DMARC (RFC 9989): whether SPF or DKIM vouch for the author's domain, and what its owner asks for.

No library evaluates RFC 9989 with an asynchronous resolver, so this is ours. Three points are not plain in
the RFC, or differ from other programs:

- Several records at one name are all discarded, and the walk goes on (section 4.10 steps 2 and 6).
- A subdomain does not exist only if the DNS says NXDOMAIN (section 3.2.13). One question tells (RFC 8020).
- SPF or DKIM that could not be decided count only if their domain could be aligned. Otherwise a forger could
  sign with a domain of his own whose DNS is dead, and his mail would not be a fail any more.
"""

from __future__ import annotations

from receiver.checks.dmarc.evaluation import check, discover

__all__ = ["check", "discover"]
