"""What a sync does around a change to prove it: how long caches may lag, and a look from outside."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dns.errors import SyncError
from dns.findings import Finding

if TYPE_CHECKING:
    from dns.seen import Seen
    from dns.sync import Prepared

SLACK = 5.0  # seconds beyond a time to live: caches count in whole ones


@dataclass(frozen=True, slots=True)
class Looked:
    """What was seen after the change, and found."""

    seen: "Seen"
    findings: tuple[Finding, ...]

    def lines(self, *, colour: bool = False) -> list[str]:
        """For people."""
        from dns import check_text

        return check_text.lines(self.seen, self.findings, colour=colour)

    def plain(self) -> Mapping[str, object]:
        """For programs."""
        from dns import check_text

        return check_text.plain(self.seen, self.findings)


def lifetime(prepared: "Prepared", resolver: str | None) -> int | None:
    """For how many seconds caches may keep what is about to change; None where nobody could be asked."""
    from dns import served

    try:
        at = served.resolver_at(resolver or os.environ.get("LETTERBOX_RESOLVER"))
        servers = served.servers_of(prepared.zone.nameservers, at)
    except SyncError:
        return None
    return served.lifetime(servers, served.expected(prepared.plan))


def prove(prepared: "Prepared", resolver: str | None, *, seconds: float, life: int | None) -> Looked:
    """Look from outside; where resolvers have old answers, again until these must have run out.

    ``life`` is what ``lifetime`` said before the change; it is waited for ``seconds`` at most.
    """
    from dns import check, served_display

    inventory = prepared.inventory
    until = seconds if life is None else min(seconds, life + SLACK)
    title = f"{prepared.domain.name}: looking from outside"
    if life:
        title += f"; resolvers may have old answers for {life} s"
    with served_display.shown(title, in_lines=False) as show:
        seen, findings = check.examine(
            inventory,
            prepared.domain,
            prepared.addresses,
            resolver=resolver,
            nameservers=prepared.zone.nameservers,
            seconds=max(0.0, until),
            waits_for=lambda finding: finding.code == "stale",
            show=show,
        )
    return Looked(seen, tuple(findings))
