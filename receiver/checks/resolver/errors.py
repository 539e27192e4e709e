"""Why there is no answer, for those who want to know it: the doctor and the breaker."""

from __future__ import annotations

from receiver.checks.dns_query import TemporaryFailure


class NoResolver(TemporaryFailure):
    """Nobody serves the socket."""


class CallMissing(TemporaryFailure):
    """The program at the socket does not know the call. systemd-resolved knows it since systemd 256."""


class NoNameServers(TemporaryFailure):
    """The resolver has no nameserver that it could ask for the name."""


class NoAnswerInTime(TemporaryFailure):
    """The resolver, or all nameservers that it asked, stayed silent."""
