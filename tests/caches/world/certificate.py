"""The certificate that a machine serves, and what senders that verify make of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

FAR = datetime(9000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate for one name. Only one of an authority can be trusted."""

    hostname: str
    until: datetime
    of_authority: bool = True

    def is_trusted(self, hostname: str, now: datetime) -> bool:
        """Whether a sender that verifies accepts it for this mail host."""
        return self.of_authority and hostname == self.hostname and now < self.until

    @property
    def chain(self) -> tuple[str, ...]:
        """What the host answers about it, in a form of the simulator's own."""
        return (f"{self.hostname} {self.until.isoformat()} {'authority' if self.of_authority else 'itself'}",)


def problem_with(hostname: str, chain: Sequence[str], now: datetime, *, days: int = 5) -> str:
    """In place of the function of the same name, which reads real certificates."""
    if not chain:
        return "it serves no certificate"
    name, until, issuer = chain[0].split()
    certificate = Certificate(name, datetime.fromisoformat(until), issuer == "authority")
    if certificate.is_trusted(hostname, now + timedelta(days=days)):
        return ""
    return f"its certificate is by {issuer}, for {name}, until {until}"
