"""What a run does after its plan was agreed, thing by thing, in the order that no sender can be hurt by.

A domain without an MTA-STS policy is changed in one transaction. With one, the run does what may be done now,
looks again, and goes on until nothing is left (`dns.mta_sts.decision` says what may be done when):

1. records that wait for nothing; 2. the policy is uploaded; 3. it is fetched until it is what was uploaded;
4. its TXT record; 5. MX that had to wait, when that record has stood for its TTL.

A run that is cut off between any two things is finished by the next one, because each step is decided by what
is there. `dns.sync`, a deploy and the simulator of caches in the tests all call `carry_out`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from dns.cloudflare.zones import Zones
from dns.errors import Blocked, ChangedBut, SyncError, Unfinished
from dns.mta_sts.policy import TXT_TTL, Policy, Served
from dns.mta_sts.values import ANNOUNCED, UPLOADED, Known, PolicyPlan
from dns.plan import Plan
from dns.sync.change import Run, apply
from dns.sync.policies import not_served
from dns.sync.prepared import Prepared
from dns.sync.verify import SLACK, changed_but

SERVING_SECONDS = 600.0
"""How long a run waits for Cloudflare to serve what was uploaded: a new certificate can take minutes."""
FETCH_PAUSE = 5.0
_MINUTES = 4  # TXT_TTL and PROPAGATION
SPREADING_SECONDS = 10.0
"""How much longer a run waits after that, because Cloudflare serves from hundreds of places."""

Serve = Callable[[Prepared], float | None]
"""Waits until the zone's nameservers answer what was made (`Prepared.plan`).

Returns how many seconds that took; None if nobody was asked. Raises NotServed.
"""


def ignore(words: str) -> None:
    """Do nothing with a line."""


def carry_out(
    prepared: Prepared,
    *,
    zones: Zones | None = None,
    serve: Serve,
    pause: Callable[[float], None],
    tell: Callable[[str], None],
    done: Callable[[str], None] = ignore,
) -> Plan:
    """Make the changes of the plan. Returns the plan as it was made.

    `serve` waits for the nameservers, `pause` waits for some seconds, `tell` gets a line for the user, and
    `done` gets a few words after each thing that was changed. Raises as `dns.sync.change.apply`, and
    Unfinished if something must be left for a later run.
    """
    staging = _Staging(prepared, zones, serve, pause, tell, done)
    if not prepared.policy.touches:
        return staging.change(prepared)
    return staging.go()


@dataclass(slots=True)
class _Staging:
    """One run, and how far it is."""

    prepared: Prepared
    zones: Zones | None
    serve: Serve
    pause: Callable[[float], None]
    tell: Callable[[str], None]
    done: Callable[[str], None]
    run: Run = field(default_factory=Run)
    made: Plan | None = None
    changed: bool = False
    uploaded: bool = False
    is_asked: bool = True
    """Whether the nameservers are asked, and anything is waited for."""
    problem: SyncError | None = None
    """What kept the policy from being uploaded. It is told when the MX that waited for it are changed."""

    @property
    def name(self) -> str:
        return self.prepared.domain.name

    def change(self, stage: Prepared) -> Plan:
        """Change the records of this stage, and wait until that is answered."""
        made = apply(stage, zones=self.zones, run=self.run)
        self.made = made if self.made is None else _together(self.made, made)
        self._did("is changed")
        with changed_but(self.name):
            seconds = self.serve(replace(stage, plan=made))
        self.is_asked = seconds is not None
        answered = "" if seconds is None else f", and answered by all its nameservers after {seconds:.1f} s"
        self.tell(f"{self.name}: changed{answered}")
        return self.made

    def go(self) -> Plan:
        """Do all stages. Raises Unfinished if something must be left for a later run."""
        if self.prepared.plan.obstacles:
            raise Blocked(self.prepared.blocked)
        policy = self.prepared.policy
        if policy.publish and policy.right and policy.ours.id != policy.publish.id:
            self.pause(SPREADING_SECONDS)  # an earlier run uploaded it, perhaps a moment ago
        try:
            while self._step():
                found = self._zones.records(self.prepared.zone)
                self.prepared = replace(self.prepared, found=found)
        except SyncError as error:
            if not self.changed or error.applied is not False:
                raise
            problem = f"{self.name}: changed, but {error}"
            if isinstance(error, Unfinished):
                raise Unfinished(problem, applied=True) from None
            raise ChangedBut(problem) from None
        return self.made or self.prepared.plan

    def _step(self) -> bool:
        """Do what may be done now. Returns whether to look again, because more may be done then."""
        stage = self.prepared.now
        policy = stage.policy
        if stage.changes or stage.plan.signing:
            self.change(stage)
            self.prepared = self.prepared.without_signing
        if policy.remove:
            standing = policy.ours.held
            # A run that knows only some of the hosts deletes nothing.
            return self._remove(policy) if standing is None or standing in stage.plan.deletes else False
        if policy.publish and policy.upload:
            return self._upload(policy, policy.publish)
        if self.problem:
            raise self.problem
        if policy.publish and not policy.right:
            return self._fetch(policy, policy.publish)
        if policy.publish and policy.mx == ANNOUNCED:
            return self._wait_out(policy.publish)
        if policy.waiting:
            raise Unfinished("; ".join(policy.waiting))
        return False

    def _upload(self, policy: PolicyPlan, wanted: Policy) -> bool:
        """Upload the policy. If MX wait for it, a failure is told only after they were changed."""
        served = self.known.served.policy
        if served and served.id == policy.ours.id:
            self.known = replace(self.known, announced=served)
        try:
            self._zones.workers.publish(self.prepared.zone, self.name, wanted.text)
        except SyncError as error:
            if policy.mx != UPLOADED:
                raise
            self.problem = error
        else:
            self.uploaded = True
            self._did("has its MTA-STS policy uploaded")
        self.known = replace(self.known, uploaded=lambda text: text == wanted.text, hosted=True)
        return True

    def _fetch(self, policy: PolicyPlan, wanted: Policy) -> bool:
        """Fetch the policy until it is the one that is wanted."""
        standing = policy.ours.id == wanted.id and not self.uploaded
        limit = SERVING_SECONDS if self.is_asked and not standing else 0.0
        if limit:
            minutes = f"{limit / 60:g} min"
            self.tell(f"{self.name}: waiting until its MTA-STS policy is served, for {minutes} at most")
        started, paused = time.monotonic(), 0.0
        while (served := self._served()).text != wanted.text:
            if max(paused, time.monotonic() - started) + FETCH_PAUSE > limit:
                raise Unfinished(not_served(self.name, policy, served, standing=standing))
            self.pause(FETCH_PAUSE)
            paused += FETCH_PAUSE
        if policy.ours.id != wanted.id:
            self.pause(SPREADING_SECONDS)  # also if an earlier run uploaded it, perhaps a moment ago
        self.known = replace(self.known, served=served)
        self.tell(f"{self.name}: its MTA-STS policy is served ({wanted.mode})")
        return True

    def _wait_out(self, wanted: Policy) -> bool:
        """Wait until nobody keeps an older TXT record, so that everybody knows the hosts that get an MX."""
        why = "its MX waits until no sender can have the TXT record of an older MTA-STS policy"
        if self.known.stood == wanted.id or not self.is_asked:
            raise Unfinished(f"{self.name}: {why}: run this or deploy again in {_MINUTES} min")
        self.tell(f"{self.name}: {why}, for {TXT_TTL + SLACK:g} s")
        self.pause(TXT_TTL + SLACK)
        self.known = replace(self.known, stood=wanted.id)
        return True

    def _remove(self, policy: PolicyPlan) -> bool:
        """Take the Worker away when no sender has the TXT record any more."""
        if not policy.at_once:  # A run that was cut off may have deleted the record a moment ago.
            if not self.is_asked:
                self.tell(f"{self.name}: the Worker of its MTA-STS policy goes with the next run")
                return False
            self.tell(f"{self.name}: its TXT record is gone, and its Worker goes in {TXT_TTL + SLACK:g} s")
            self.pause(TXT_TTL + SLACK)
        if self.known.hosted:
            self._zones.workers.remove(self.prepared.zone, self.name)
            self._did("has no MTA-STS policy any more")
            self.tell(f"{self.name}: its MTA-STS policy is gone")
        self.known = replace(self.known, served=Served(absent=True), hosted=False)
        return True

    def _served(self) -> Served:
        outside = self.prepared.outside
        return outside.policy(self.name) if outside else self.known.served

    def _did(self, words: str) -> None:
        self.changed = True
        self.done(f"{self.name} {words}")

    @property
    def known(self) -> Known:
        """What is known of the policy."""
        return self.prepared.known

    @known.setter
    def known(self, known: Known) -> None:
        self.prepared = replace(self.prepared, known=known)

    @property
    def _zones(self) -> Zones:
        self.zones = self.zones or Zones()
        return self.zones


def _together(before: Plan, then: Plan) -> Plan:
    """Two stages of one run as one plan."""
    return replace(
        then,
        posts=(*before.posts, *then.posts),
        patches=(*before.patches, *then.patches),
        deletes=(*before.deletes, *then.deletes),
        registrar=then.registrar or before.registrar,
    )
