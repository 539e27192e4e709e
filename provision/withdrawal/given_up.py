"""What one configuration serves and another does not. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from provision.host.served import Served


@dataclass(frozen=True, slots=True)
class GivenUp:
    """What was served and is to be served no longer."""

    hostname: str | None = None
    """The name of the host until now, if it gets another."""
    domains: tuple[str, ...] = ()
    mailboxes: tuple[tuple[str, str], ...] = ()
    """Domain and mailbox, for the domains that stay."""


def given_up(before: Served | None, after: Served) -> GivenUp:
    """What `before` serves and `after` does not. Nothing, if nothing was served."""
    if before is None:
        return GivenUp()
    staying = [name for name in before.domains if name in after.domains]
    return GivenUp(
        hostname=before.hostname if before.hostname != after.hostname else None,
        domains=tuple(name for name in before.domains if name not in after.domains),
        mailboxes=tuple(
            (domain, mailbox)
            for domain in staying
            for mailbox in before.domains[domain]
            if mailbox not in after.domains[domain]
        ),
    )


def without(lost: GivenUp, domains: Collection[str]) -> GivenUp:
    """What is given up besides these domains, which may go."""
    return replace(lost, domains=tuple(name for name in lost.domains if name not in domains))
