"""A walk of a user whose domains have MTA-STS policies, and what may become of mail meanwhile.

Not even one mail host that a sender tries may turn it away because of a policy: another host may be down.
What the user broke himself is told apart (`fault`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from dns.errors import SyncError
from dns.mta_sts.policy import LABEL, id_of
from tests.caches.fault import HisDoing
from tests.caches.inventories import MAIN, OTHER, Step
from tests.caches.walk import Lost
from tests.caches.world.certificate import Certificate
from tests.caches.world.clock import START
from tests.caches.world.everybody import Everybody
from tests.caches.world.sender import Outcome, Sender
from tests.caches.world.site import Site

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
    his: HisDoing = field(init=False)
    wanted: Step = field(default_factory=lambda: Step({}, {}, 0.0))
    """The last inventory that the user deployed, to the end or not."""
    ended: bool = True
    """Whether the last deploy ended well."""
    left: int | None = None
    """After how many more things the run is killed."""

    def __post_init__(self) -> None:
        site = self.site
        self.his = HisDoing(site)
        site.happened, site.pauses = self.happened, self.pauses
        self.everybody = {name: Everybody(name, site.authority, site.edge, site.clock) for name in DOMAINS}

    @property
    def now(self) -> datetime:
        return self.site.clock.now

    def say(self, what: str) -> None:
        self.log.append(f"{self.now:%m-%d %H:%M:%S} {what}")

    def run(self, what: Callable[[], object], *, kill: int | None = None) -> bool:
        """Run something of ours, which may be killed after so many things. True if it ended well."""
        self.left = kill
        self.his.runs.append((self.now, frozenset(self.wanted.hosts if self.site.asks else ())))
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
            self.everybody_sends()
        return True

    def deploy(self, step: Step, *, kill: int | None = None) -> bool:
        """Deploy. The user withdraws a domain first that the deploy refuses to forget.

        He takes no domain out before a run that was cut off is finished: it may have replaced its hosts.
        """
        if not self.ended and set(self.wanted.domains) - set(step.domains):
            step = self.wanted
        gone = self.site.served() - set(step.domains)
        if gone and set(step.hosts) - set(self.wanted.hosts):
            step = replace(step, hosts=self.wanted.hosts)  # as in `Walk.deploy`
        self.wanted = step
        modes = {name: data.get("mta_sts") for name, data in step.domains.items()}
        asked = "" if self.site.asks else ", and asks no host"
        self.say(f"deploy of {', '.join(step.hosts)} with {modes}{asked}")
        self.site.authority.delay = step.delay
        for name in step.hosts:
            if self.site.machines[name].certificate is None:
                self.his.broken.setdefault(name, START)
        refused: list[str] = []
        self.ended = self.run(lambda: self.site.deploy(step.inventory) or refused.extend(gone), kill=kill)
        if not self.ended:
            return False
        if refused:
            withdrawn = [self.withdraw(domain, kill=kill) for domain in sorted(refused)]
            return all(withdrawn)
        for name in step.domains:
            self.since.setdefault(name, self.now)
            if modes[name] and self.site.asks and not self.site.edge.fails:
                self.his.rescued.update({(name, host): self.now for host in step.hosts})
        return True

    def withdraw(self, domain: str, *, kill: int | None = None, forgets: bool = False) -> bool:
        """`python -m dns.sync DOMAIN --withdraw`. With `forgets` the policy goes at once."""
        self.say(f"{domain} is withdrawn{', and its policy forgotten' if forgets else ''}")
        inventory = self.wanted.inventory
        if not forgets:
            return self.run(lambda: self.site.withdraw(inventory, domain), kill=kill)
        self.his.forgotten[domain] = self.now
        try:
            return self.run(lambda: self.site.withdraw(inventory, domain, forget_policy=True), kill=kill)
        finally:
            self.his.forgotten[domain] = self.now

    def destroy(self, *, kill: int | None = None) -> bool:
        """`destroy.py` for all hosts. Mail is not promised any more."""
        self.say("all hosts are destroyed")
        self.since.clear()
        return self.run(lambda: self.site.destroy(self.wanted.inventory), kill=kill)

    def rekey(self, name: str) -> None:
        """`rekey.py` for one machine."""
        has_key = name in self.wanted.hosts and self.site.machines[name].keys
        why = self.site.rekey(self.wanted.inventory, name) if has_key else "it has no key"
        self.say(f"rekey of {name}: {why or 'made'}")
        if not why:
            self.certify(name, None, by_us=True)

    def certify(self, name: str, certificate: Certificate | None, *, by_us: bool = False) -> None:
        """The machine serves this certificate from now on. None is one that it has made itself.

        `by_us` is for what a run of ours does to it, which is never the user's doing.
        """
        machine, now = self.site.machines[name], self.now
        hostname = certificate.hostname if certificate else ""
        self.his.note_expiry()
        if certificate and certificate.is_trusted(hostname, now):
            self.his.broken.pop(name, None)
        else:
            self.his.broken.setdefault(name, START if by_us else now)
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

    def everybody_sends(self) -> None:
        """New senders fill their caches, and all deliver to every domain that their MX may know of."""
        self.his.note_expiry()
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
                and not self.his.is_cause_of(domain, kept, target, machine, outcome)
            ):
                raise Lost(f"{domain}: {target}: {outcome.value}: {kept}", self.log, at)
        if domain in self.since and at > self.since[domain]:
            outcome = sender.deliver(f"a@{domain}", machines)
            if outcome not in (Outcome.DELIVERED, *BY_POLICY):
                raise Lost(f"{domain}: {outcome.value}", self.log, at)

    def _nothing_unserved(self, everybody: Everybody) -> None:
        """Nothing is published that is not served, to nobody who has it in a cache either."""
        domain, edge = everybody.domain, self.site.edge
        if domain in self.his.forgotten and self.now <= self.his.forgotten[domain] + self.his.slowest:
            return
        for text in everybody.texts.values():
            found = id_of(text.ask(f"{LABEL}.{domain}", "TXT"))
            if found is None:
                continue
            served = [one.policy.id for one in edge.history(domain) if one.policy and one.seen <= self.now]
            if found not in served or edge.serves(domain).policy is None:
                raise Lost(f"{domain}: the TXT record says {found}, which is not served", self.log, self.now)

    def _maybe_killed(self) -> None:
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                self.left = None
                raise Killed
