"""DNS over a Unix socket: the varlink call `io.systemd.Resolve.ResolveRecord`.

The receiver has no network of its own. systemd-resolved answers this call since systemd 256, and our own
`services/resolver` answers it on hosts without such a resolved.
"""

from __future__ import annotations

from receiver.checks.resolver.client import VarlinkResolver
from receiver.checks.resolver.errors import CallMissing, NoAnswerInTime, NoResolver

__all__ = ["CallMissing", "NoAnswerInTime", "NoResolver", "VarlinkResolver"]
