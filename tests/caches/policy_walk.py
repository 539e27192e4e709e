"""A walk of a user whose domains have MTA-STS policies, and what may become of mail meanwhile.

Not even one mail host that a sender tries may turn it away because of a policy: another host may be down.

Only what the user broke himself is told apart, by this rule. A sender that meets a certificate which it does
not trust is his doing if, and only if, all of this is so:

- the certificate could be trusted until a moment at which the user, or time, broke it;
- the MX that led the sender there was published before that moment;
- the policy was uploaded before that moment by a run that asked the hosts, or later by runs that did not;
- no run has asked the hosts, and ended well, since that moment, or what it changed may not have reached
  everybody yet.

What a sender keeps from before `--forget-policy` does not count either: that is what the user was asked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from dns.errors import SyncError
from dns.mta_sts.policy import LABEL, TXT_TTL, id_of
from tests.caches.certificate import Certificate
from tests.caches.clock import START
from tests.caches.edge import Upload
from tests.caches.everybody import Everybody
from tests.caches.inventories import MAIN, OTHER, Step
from tests.caches.policies import Kept
from tests.caches.sender import Machine, Outcome, Sender
from tests.caches.site import Site
from tests.caches.walk import Lost

DOMAINS = (MAIN, OTHER)
BY_POLICY = (Outcome.UNLISTED, Outcome.UNTRUSTED)


class Killed(BaseException):
    """The run was killed."""


@dataclass(slots=True)
class PolicyWalk:
    """The world of one walk."""

    site: Site
    log: list[str] = field(default_factory=list)
    everybody: dict[str, Everybody] = field(default_factory=dict)
    since: dict[str, datetime] = field(default_factory=dict)
    """The domains whose mail must be taken, and from when on."""
    broken: dict[str, datetime] = field(default_factory=dict)
    """Since when each machine serves a certificate that cannot be trusted, if it does."""
    rescued: dict[str, datetime] = field(default_factory=dict)
    """When a run that asked the hosts last ended well, by domain."""
    forgotten: dict[str, datetime] = field(default_factory=dict)
    """When the user last said that the policies which senders keep do not matter, by domain."""
    blind: list[tuple[datetime, datetime]] = field(default_factory=list)
    """From when to when each run went that did not ask the hosts."""
    left: int | None = None
    """After how many more things the run is killed."""

    def __post_init__(self) -> None:
        site = self.site
        site.happened, site.pauses = self.happened, self.pauses
        self.everybody = {name: Everybody(name, site.authority, site.edge, site.clock) for name in DOMAINS}

    @property
    def now(self) -> datetime:
        return self.site.clock.now

    def say(self, what: str) -> None:
        self.log.append(f"{self.now:%m-%d %H:%M:%S} {what}")

    def run(self, what: Callable[[], object], *, kill: int | None = None) -> bool:
        """Run something of ours, which may be killed after so many things. True if it ended well."""
        begun, self.left = self.now, kill
        try:
            what()
        except Killed:
            self.say("  killed")
            return False
        except SyncError as error:
            self.say(f"  {type(error).__name__}: {error}")
            return False
        finally:
            self.left = None
            if not self.site.asks:
                self.blind.append((begun, self.now))
            self.everybody_sends()
        return True

    def deploy(self, step: Step, *, kill: int | None = None) -> bool:
        """Deploy. A machine that is new has a certificate of its own making."""
        modes = {name: data.get("mta_sts") for name, data in step.domains.items()}
        asked = "" if self.site.asks else ", and asks no host"
        self.say(f"deploy of {', '.join(step.hosts)} with {modes}{asked}")
        self.site.authority.delay = step.delay
        for name in step.hosts:
            if self.site.machines[name].certificate is None:
                self.broken.setdefault(name, START)
        well = self.run(lambda: self.site.deploy(step.inventory), kill=kill)
        if well:
            for name in step.domains:
                self.since.setdefault(name, self.now)
                if modes[name] and self.site.asks and not self.site.edge.fails:
                    self.rescued[name] = self.now
        return well

    def certify(self, name: str, certificate: Certificate | None) -> None:
        """The machine serves this certificate from now on. None is one that it has made itself."""
        machine, now = self.site.machines[name], self.now
        hostname = certificate.hostname if certificate else ""
        self._note_expiry()
        if certificate and certificate.is_trusted(hostname, now):
            self.broken.pop(name, None)
        else:
            self.broken.setdefault(name, now)
        machine.certificate = certificate
        self.say(f"certificate of {name}: {certificate}")
        self.everybody_sends()

    def happened(self, what: str) -> None:
        """A run has changed something. Everybody sends, and the next thing comes a second later."""
        self.say(f"  {what}")
        self.everybody_sends()
        self.site.clock.advance(1)
        self._maybe_killed()

    def pauses(self, seconds: float) -> None:
        """A run waits."""
        self._maybe_killed()
        self.passes(seconds)

    def passes(self, seconds: float) -> None:
        """Time passes, and senders come on the way."""
        for part in (seconds / 2, seconds / 2):
            self.site.clock.advance(part)
            self.everybody_sends()

    def forget(self, domain: str) -> None:
        """What senders to the domain keep does not matter from now on."""
        self.forgotten[domain] = self.now

    def everybody_sends(self) -> None:
        """New senders fill their caches, and all deliver to every domain that their MX may know of."""
        self._note_expiry()
        for domain, everybody in self.everybody.items():
            everybody.look()
            self._nothing_unserved(everybody)
            for sender in everybody.senders():
                self._deliver(domain, sender)

    def _deliver(self, domain: str, sender: Sender) -> None:
        machines = list(self.site.machines.values())
        at = sender.resolver.since(domain, "MX")
        if at is None or not sender.resolver.ask(domain, "MX"):
            return
        kept = sender.policies.kept.get(domain) if sender.policies else None
        attempts = list(sender.attempts(f"a@{domain}", machines))
        for outcome, target, machine in attempts:
            if (
                outcome in BY_POLICY
                and kept
                and not self._is_his_doing(domain, kept, target, machine, outcome)
            ):
                raise Lost(f"{domain}: {target}: {outcome.value}: {kept}", self.log, at)
        if domain in self.since and at > self.since[domain]:
            outcome = sender.deliver(f"a@{domain}", machines)
            if outcome not in (Outcome.DELIVERED, *BY_POLICY):
                raise Lost(f"{domain}: {outcome.value}", self.log, at)

    def _is_his_doing(
        self, domain: str, kept: Kept | None, target: str, machine: Machine, outcome: Outcome
    ) -> bool:
        assert kept
        if domain in self.forgotten and kept.upload.made <= self.forgotten[domain]:
            return True
        name = next(name for name, one in self.site.machines.items() if one is machine)
        if outcome is not Outcome.UNTRUSTED or name not in self.broken:
            return False
        at = self.broken[name]
        led = self.site.authority.added(domain, "MX", lambda value: value.split()[1] == target)
        if led is None or led > at or self._promised(domain, kept.upload) > at:
            return False
        rescued = self.rescued.get(domain)
        slowest = TXT_TTL + self.site.authority.delay + self.site.edge.delay + 5
        return rescued is None or rescued <= at or self.now <= rescued + timedelta(seconds=slowest)

    def _promised(self, domain: str, upload: Upload) -> datetime:
        """When a run that asked the hosts uploaded this policy, or the one that it goes on from."""
        made = upload.made
        for one in reversed(self.site.edge.history(domain)):
            if one.made <= upload.made:
                made = one.made
                if not any(begun <= made <= ended for begun, ended in self.blind):
                    break
        return made

    def _nothing_unserved(self, everybody: Everybody) -> None:
        """Nothing is published that is not served, to nobody who has it in a cache either."""
        domain, edge = everybody.domain, self.site.edge
        for text in everybody.texts.values():
            found = id_of(text.ask(f"{LABEL}.{domain}", "TXT"))
            if found is None:
                continue
            served = [one.policy.id for one in edge.history(domain) if one.policy and one.seen <= self.now]
            if found not in served or edge.serves(domain).policy is None:
                raise Lost(f"{domain}: the TXT record says {found}, which is not served", self.log, self.now)

    def _note_expiry(self) -> None:
        for name, machine in self.site.machines.items():
            held = machine.certificate
            if held and held.of_authority and held.until <= self.now:
                self.broken.setdefault(name, held.until)

    def _maybe_killed(self) -> None:
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                self.left = None
                raise Killed
