"""What is asked about a domain's MTA-STS policy, what is known, and what is decided: as values. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from dns.mta_sts.announced import Announced
from dns.mta_sts.policy import Policy, Served
from dns.records import Record
from dns.until import AUTOMATIC_SECONDS, said_in_words

AGES: Mapping[str, int] = {"testing": 86400, "enforce": 604800, "none": 86400}
"""For how many seconds a sender keeps a policy of each mode."""
NONE = Policy("none", (), AGES["none"])
NOW, UPLOADED, ANNOUNCED, LATER = "now", "uploaded", "announced", "later"
"""When MX records may change: at once, when the policy is uploaded, when its TXT stood, in a later run."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is wanted for one domain."""

    domain: str
    mode: str = ""
    """What the inventory says: one of MODES. Empty if it says nothing."""
    hosts: tuple[str, ...] = ()
    """The names of the mail hosts that the domain's MX are to lead to."""
    missing: tuple[str, ...] = ()
    """The names of further hosts, which this run knows nothing of. Their MX stay as they are."""
    ending: bool = False
    """Whether the domain is withdrawn, or has no host any more."""
    forget: bool = False
    """Whether the policy goes at once, whoever keeps it."""


@dataclass(frozen=True, slots=True)
class Known:
    """What was learned outside of the zone. By default nothing is known."""

    served: Served = field(default_factory=lambda: Served(failure="it was not asked for"))
    certificates: Mapping[str, str] = field(default_factory=dict)
    """Why senders refuse the certificate of each host, by its name. Empty if they accept it."""
    unread: Mapping[str, str] = field(default_factory=dict)
    """Why that is not known of a host."""
    uploaded: Callable[[str], bool] = lambda text: False
    """Whether Cloudflare has this text as the domain's policy. It may not serve it yet."""
    announced: Policy | None = None
    """The policy that the TXT record tells of, as it was served before this run uploaded another."""
    hosted: bool = False
    """Whether Cloudflare has a Worker of ours for the domain."""
    elsewhere: str = ""
    """The name of another Worker that has the policy host as its custom domain."""
    stood: str | None = None
    """The id whose TXT this run has waited out: nobody has an older one."""


@dataclass(frozen=True, slots=True)
class PolicyPlan:
    """What is decided. By default nothing is touched, and no MX waits."""

    mode: str = ""
    """What the inventory says."""
    publish: Policy | None = None
    """What is to be served."""
    upload: bool = False
    """Whether it must be uploaded."""
    right: bool = False
    """Whether it is served already."""
    record: Record | None = None
    """The TXT record at the end of the run. None if there is to be none, or if it is left alone."""
    ours: Announced = field(default_factory=Announced)
    """The TXT record that stands."""
    remove: bool = False
    """Whether the TXT record goes, and then the Worker."""
    at_once: bool = False
    """Whether they go although a sender may keep a policy."""
    mx: str = NOW
    """When MX records may change."""
    until: datetime | None = None
    """Until when the farewell stands."""
    ttl: int = AUTOMATIC_SECONDS
    """For how many seconds a sender may keep an MX of the domain."""
    elsewhere: str = ""
    """As in Known."""
    waiting: tuple[str, ...] = ()
    """What this run cannot bring to its end, a line each."""
    notes: tuple[str, ...] = ()
    """What the user should know, a line each."""

    @property
    def touches(self) -> bool:
        """Whether the domain has anything to do with a policy of ours."""
        return bool(self.mode or self.publish or self.remove or self.ours.held)

    @property
    def pending(self) -> bool:
        """Whether something is left to do besides changing records."""
        serving = self.publish is not None and not self.right
        return serving or self.remove or bool(self.waiting)

    @property
    def next_record(self) -> Record | None:
        """The TXT record that may stand now: with another id only if that policy is served."""
        if self.record is None or self.right or self.ours.held is None:
            return self.record if self.right else None
        if self.record.content == self.ours.held.record.content:
            return self.record
        return None

    @property
    def published(self) -> str:
        """The mode that senders get at the end of the run. Empty if none is published."""
        return self.publish.mode if self.publish else ""


NOTHING = PolicyPlan()


def listed_until(domain: str, hosts: str, time: datetime) -> str:
    """A line for the user: hosts that went stay in the policy for a time."""
    return (
        f"{domain}: its MTA-STS policy lists {hosts} until {said_in_words(time)}, because a sender may have "
        "an MX that went: run this or deploy again after that"
    )
