"""What a sync does around a change to prove it: who is to answer, until they do, and a look from outside.

Whom to ask is found out before the change, so that a wrong resolver or a name that cannot be looked up
stops the run while nothing is changed. What fails after it says that the change was made.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dns.check.findings import Finding
from dns.errors import ChangedBut, SyncError
from dns.sync.change import Prepared
from dns.terminal.arguments import named_resolver

if TYPE_CHECKING:
    from dns.world.seen import Seen
    from dns.world.served import Server

SLACK = 5.0  # seconds beyond a time to live: caches count in whole ones
WAIT_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Looked:
    """What was seen after the change, and found."""

    seen: "Seen"
    findings: tuple[Finding, ...]

    def lines(self, *, colour: bool = False) -> list[str]:
        """For people."""
        from dns.check import report

        return report.lines(self.seen, self.findings, colour=colour)

    def plain(self) -> Mapping[str, object]:
        """For programs."""
        from dns.check import report

        return report.plain(self.seen, self.findings)


@contextmanager
def changed_but(domain: str) -> Iterator[None]:
    """Say of what fails in the block that the zone was changed before. Raises ChangedBut."""
    try:
        yield
    except ChangedBut:
        raise
    except SyncError as error:
        raise ChangedBut(f"{domain}: changed, but {error}") from None


def nameservers_to_ask(prepared: Prepared, resolver: str | None = None) -> "tuple[Server, ...]":
    """The addresses of the zone's nameservers that this machine can ask.

    ``resolver`` (``ADDRESS`` or ``ADDRESS#PORT``, by default LETTERBOX_RESOLVER, else the system's) looks
    them up. Raises SyncError where it is none, or knows none.
    """
    from dns.world import served

    return served.servers_of(prepared.zone.nameservers, served.resolver_at(named_resolver(resolver)))


def wait_until_served(
    prepared: Prepared,
    *,
    servers: "Sequence[Server] | None" = None,
    seconds: float = WAIT_SECONDS,
    resolver: str | None = None,
    port: int = 53,
    show: Callable[..., None] | None = None,
) -> float:
    """Ask the zone's own nameservers until all answer every record; the seconds that took.

    ``servers`` is what ``nameservers_to_ask`` found, by default it is asked (``resolver`` as there);
    ``port`` is where they listen. ``show`` gets the progress, by default it is shown on stderr. Raises
    NotServed with what is still missing.
    """
    from dns.terminal.progress import shown
    from dns.world import served

    questions = served.expected(prepared.plan)
    servers = nameservers_to_ask(prepared, resolver) if servers is None else servers
    if show is not None:
        return served.wait(servers, questions, seconds=seconds, port=port, show=show)
    title = f"{prepared.zone.name}: asking its nameservers, for {seconds:g} s at most"
    with shown(title) as display:
        return served.wait(servers, questions, seconds=seconds, port=port, show=display)


def lifetime(prepared: Prepared, servers: "Sequence[Server]") -> int | None:
    """For how many seconds caches may keep what is about to change; None where nobody could be asked."""
    from dns.world import served

    return served.lifetime(servers, served.expected(prepared.plan))


def prove(prepared: Prepared, resolver: str | None, *, seconds: float, life: int | None) -> Looked:
    """Look from outside; where resolvers have old answers, again until these must have run out.

    ``life`` is what ``lifetime`` said before the change; it is waited for ``seconds`` at most.
    """
    from dns.check import command
    from dns.terminal import progress

    inventory = prepared.inventory
    until = seconds if life is None else min(seconds, life + SLACK)
    title = f"{prepared.domain.name}: looking from outside"
    if life:
        title += f"; resolvers may have old answers for {life} s"
    with progress.shown(title, in_lines=False) as show:
        seen, findings = command.examine(
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
