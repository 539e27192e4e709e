"""Whose fault it is that a sender defers mail because of a policy: an exact rule, and no loophole.

Only what the user broke himself is told apart, by this rule. A sender that meets a certificate which it does
not trust is his doing if, and only if, all of this is so:

- the certificate could be trusted until a moment at which the user, or time, broke it;
- the MX that led the sender there was published before that moment;
- the policy was uploaded before that moment by a run that asked this host, or later by runs that did not;
- no run has asked this host, and ended well, since that moment, or what it changed may not have reached
  everybody yet.

A run asks the hosts of its inventory, unless it cannot reach them. A host that the user has broken and then
left out of the inventory is asked by nobody, and the policy that was enforced before stays enforced.

What a sender keeps from before `--forget-policy` does not count either: that is what the user was asked.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from dns.mta_sts.policy import TXT_TTL
from tests.caches.world.edge import Upload
from tests.caches.world.policies import Kept
from tests.caches.world.sender import Machine, Outcome
from tests.caches.world.site import Site


@dataclass(slots=True)
class HisDoing:
    """What the user has broken."""

    site: Site
    broken: dict[str, datetime] = field(default_factory=dict)
    """Since when each machine serves a certificate that cannot be trusted, if it does."""
    rescued: dict[tuple[str, str], datetime] = field(default_factory=dict)
    """When a run that asked the host last ended well, by domain and host."""
    forgotten: dict[str, datetime] = field(default_factory=dict)
    """When the user last said that the policies which senders keep do not matter, by domain."""
    runs: list[tuple[datetime, frozenset[str]]] = field(default_factory=list)
    """When each run began, and which hosts it asks. What is uploaded by hand counts as asked."""

    def is_cause_of(
        self, domain: str, kept: Kept | None, target: str, machine: Machine, outcome: Outcome
    ) -> bool:
        """Whether a sender that keeps this policy meets this at the mail host through the user alone."""
        assert kept
        if domain in self.forgotten and kept.upload.made <= self.forgotten[domain]:
            return True
        name = next(name for name, one in self.site.machines.items() if one is machine)
        if outcome is not Outcome.UNTRUSTED or name not in self.broken:
            return False
        at = self.broken[name]
        led = self.site.authority.added(domain, "MX", lambda value: value.split()[1] == target)
        if led is None or led >= at or self._promised(domain, kept.upload, name) >= at:
            return False
        rescued = self.rescued.get((domain, name))
        return rescued is None or rescued <= at or self.site.clock.now <= rescued + self.slowest

    @property
    def slowest(self) -> timedelta:
        """How long it takes until everybody has learned of what a run changed."""
        return timedelta(seconds=TXT_TTL + self.site.authority.delay + self.site.edge.delay + 5)

    def _promised(self, domain: str, upload: Upload, host: str) -> datetime:
        """When a run that asked the host uploaded this policy, or the one that it goes on from."""
        made = upload.made
        for one in reversed(self.site.edge.history(domain)):
            if one.made <= upload.made:
                if one.policy is None or one.policy.mode != "enforce":
                    break
                made = one.made
                asked = [hosts for begun, hosts in self.runs if begun <= made]
                if not asked or host in asked[-1]:
                    break
        return made

    def note_expiry(self) -> None:
        """Note which certificates have run out."""
        for name, machine in self.site.machines.items():
            held = machine.certificate
            if held and held.of_authority and held.until <= self.site.clock.now:
                self.broken.setdefault(name, held.until)
