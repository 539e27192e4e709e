"""Verifying a change: waiting until the nameservers answer it, and then looking at the domain from outside.

The nameservers are located before the change. So a wrong resolver, or a name that cannot be looked up, stops
the run while nothing is changed. An error after the change says that the zone was changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dns.check.findings import Finding
from dns.errors import ChangedBut, SyncError
from dns.sync.prepared import Prepared

if TYPE_CHECKING:
    from dns.world.nameservers import Located, Server
    from dns.world.progress import OnProgress
    from dns.world.seen import Seen

SLACK = 5.0  # seconds that are added to a TTL, because caches count in whole seconds
WAIT_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Verification:
    """What was seen from outside after the change, and what is wrong with it."""

    seen: Seen
    findings: tuple[Finding, ...]

    def lines(self, *, colour: bool = False) -> list[str]:
        """The report for people."""
        from dns.check import report

        return report.lines(self.seen, self.findings, colour=colour)

    def to_json(self) -> Mapping[str, object]:
        """The report for programs."""
        from dns.check import report

        return report.to_json(self.seen, self.findings)


@contextmanager
def changed_but(domain: str) -> Iterator[None]:
    """Make an error in the block say that the zone was changed before. Raises ChangedBut."""
    try:
        yield
    except ChangedBut:
        raise
    except SyncError as error:
        raise ChangedBut(f"{domain}: changed, but {error}") from None


def locate_nameservers(prepared: Prepared, resolver: str | None = None) -> Located:
    """Look up the addresses of the zone's nameservers.

    `resolver` is `ADDRESS` or `ADDRESS#PORT`, by default LETTERBOX_RESOLVER, else the system's. Raises
    SyncError if one cannot be looked up, or if this machine can send to none.
    """
    from dns.world.nameservers import locate_all
    from dns.world.resolvers import named_resolver, resolver_at

    return locate_all(prepared.zone.nameservers, resolver_at(named_resolver(resolver)))


def nameservers_to_ask(prepared: Prepared, resolver: str | None = None) -> tuple[Server, ...]:
    """The addresses of the zone's nameservers that this machine can ask. Raises as `locate_nameservers`."""
    return locate_nameservers(prepared, resolver).servers


def wait_until_served(
    prepared: Prepared,
    *,
    servers: Sequence[Server] | None = None,
    seconds: float = WAIT_SECONDS,
    resolver: str | None = None,
    port: int = 53,
    on_progress: OnProgress | None = None,
) -> float:
    """Ask the zone's own nameservers until all answer every record. Returns how many seconds that took.

    `servers` is what `nameservers_to_ask` returned. By default they are looked up (`resolver` as there).
    `port` is where they listen. `on_progress` gets the progress, which by default is shown on stderr. Raises
    NotServed with what is still missing.
    """
    from dns.terminal.progress import display
    from dns.world import expected, served

    questions = expected.from_plan(prepared.plan)
    servers = nameservers_to_ask(prepared, resolver) if servers is None else servers
    if on_progress is not None:
        return served.wait(servers, questions, seconds=seconds, port=port, on_progress=on_progress)
    title = f"{prepared.zone.name}: asking its nameservers, for {seconds:g} s at most"
    with display(title) as show:
        return served.wait(servers, questions, seconds=seconds, port=port, on_progress=show)


def longest_ttl(prepared: Prepared, servers: Sequence[Server]) -> int | None:
    """For how many seconds caches may keep what is about to change. None if nobody could be asked."""
    from dns.world import expected, served

    return served.longest_ttl(servers, expected.from_plan(prepared.plan))


def verify(
    prepared: Prepared, resolver: str | None, *, located: Located, seconds: float, ttl: int | None
) -> Verification:
    """Look at the domain from outside. If resolvers have old answers, look again until these have expired.

    `located` is where the nameservers are. `ttl` is what `longest_ttl` returned before the change. The wait
    takes `seconds` at most.
    """
    from dns.check.examination import examine
    from dns.terminal.progress import display

    until = seconds if ttl is None else min(seconds, ttl + SLACK)
    title = f"{prepared.domain.name}: looking from outside"
    if ttl:
        title += f"; resolvers may have old answers for {ttl} s"
    with display(title, as_lines=False) as show:
        seen, findings = examine(
            prepared.inventory,
            prepared.domain,
            prepared.addresses,
            resolver=resolver,
            nameservers=prepared.zone.nameservers,
            located=located,
            keys=prepared.keys,
            seconds=max(0.0, until),
            wait_for=lambda finding: finding.code == "stale",
            on_progress=show,
        )
    return Verification(seen, tuple(findings))
