"""Addresses of a mail host's name that nothing asks for any more stay while a sender may still come to them.

A sender may keep an MX for as long as its TTL says. If the addresses of its target are deleted meanwhile, the
sender finds none, and may return the message to its author. So the run that no longer wants a name keeps its
addresses, and writes into their comments until when (`dns.until`). A run after that time deletes them.

| what a run finds                                 | what becomes of the addresses                        |
| ------------------------------------------------ | ---------------------------------------------------- |
| an MX that stays leads to the name, or may do so | they stay, and no time is set                        |
| no MX leads there, and no time is set            | they stay from now on for the TTL of the MX that led |
| the time has not come                            | nothing is changed                                   |
| the time has passed, and a resolver has the MX   | they stay from now on for as long as it keeps it     |
| the time has passed, and no MX leads there       | they are deleted                                     |

No answer is not an answer: if it cannot be told where mail is led, the addresses stay.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from dns.errors import SyncError
from dns.plan import Change, Plan, Staying
from dns.records import ADDRESS_TYPES, Record, ZoneRecord, is_ours
from dns.until import AUTOMATIC_SECONDS, Until, after, seconds_of, staying, until_of

if TYPE_CHECKING:
    from dns.world.leads import Lead, Leads

LookUp = Callable[[Sequence[str], bool], Sequence["Leads"]]
"""Where the mail of these domains is led, by what resolvers keep, and unless the flag is set, by their own
nameservers."""


@dataclass(frozen=True, slots=True)
class Question:
    """What decides about the addresses of names that go, besides the plan."""

    found: tuple[ZoneRecord, ...]
    """All records of the zone."""
    domain: str
    siblings: tuple[str, ...]
    """The other domains whose mail may be led to the names."""
    forgetting: Collection[str] | None
    """Names whose addresses go at once all the same. None means any name."""
    look_up: LookUp
    now: datetime


def keep(plan: Plan, question: Question) -> Plan:
    """Return the plan with the addresses that may not go yet among `staying`, and not among `deletes`."""
    going = withdrawn(plan, question.found)
    forgetting = question.forgetting
    names = [name for name in sorted(going) if forgetting is not None and name not in forgetting]
    if not names:
        return plan
    decide = _Deciding(plan, question)
    kept = [one for name in names for one in decide.about(name, going[name])]
    stay = {one.held.id for one in kept if one.held}
    return replace(
        plan,
        deletes=tuple(held for held in plan.deletes if held.id not in stay),
        patches=(
            *plan.patches,
            *(Change(one.held, one.record) for one in kept if one.held and one.record != one.held.record),
        ),
        staying=(*plan.staying, *kept),
    )


def withdrawn(plan: Plan, found: Iterable[ZoneRecord]) -> dict[str, list[ZoneRecord]]:
    """The addresses that the plan deletes of names that it leaves without any, by name.

    An address that carries our mark for another domain does not count as one that stays: that domain does
    not want the name either, or the plan would.
    """
    deleted = {held.id for held in plan.deletes}
    lasting = {record.name for record in (*plan.desired, *plan.posts) if record.type in ADDRESS_TYPES}
    lasting |= {
        held.record.name
        for held in found
        if held.id not in deleted
        and held.record.type in (*ADDRESS_TYPES, "CNAME")
        and not is_ours(held.record)
    }
    names: dict[str, list[ZoneRecord]] = {}
    for held in plan.deletes:
        if held.record.type in ADDRESS_TYPES and held.record.name not in lasting:
            names.setdefault(held.record.name, []).append(held)
    return names


def leads_in(mx: Iterable[Record]) -> Leads:
    """Where these MX records of a zone lead, at any name in it, and whoever made them."""
    from dns.world.leads import Lead, Leads

    return Leads(
        "the zone",
        tuple(
            Lead(record.name, record.content, record.priority, seconds_of(record.ttl), "the zone")
            for record in mx
            if record.type == "MX"
        ),
    )


class _Deciding:
    """What is known of where mail is led, looked up at most once."""

    def __init__(self, plan: Plan, question: Question) -> None:
        self._question = question
        going = {held.id for held in plan.deletes}
        mx = [held for held in question.found if held.record.type == "MX"]
        self._after = leads_in([*(held.record for held in mx if held.id not in going), *plan.posts])
        self._before = leads_in(held.record for held in mx if held.id in going)
        seen = {held.record.name for held in mx}
        # The zone shows where mail of these names is led. The other domains may have zones of their own.
        self._elsewhere = [name for name in question.siblings if name not in seen]
        self._here = [question.domain, *(name for name in question.siblings if name in seen)]
        self._answers: dict[tuple[str, bool], Leads] = {}

    def about(self, name: str, held: Sequence[ZoneRecord]) -> list[Staying]:
        """What becomes of the addresses of a name. Those that are not returned are deleted."""
        now, said = self._question.now, [until_of(one.record) for one in held]
        times = [until.time for until in said if until and until.time]
        seconds = max((until.seconds for until in said if until), default=0)
        if lead := self._after.to({name}):
            return self._led(held, lead, seconds)
        if len(times) < len(held):
            return self._first(name, held, seconds)
        if max(times) > now:
            reason = "a sender may still keep an MX that led to this name"
            return [Staying(one, one.record, max(times), reason) for one in held]
        return self._last(name, held)

    def _led(self, held: Sequence[ZoneRecord], lead: Lead, seconds: int) -> list[Staying]:
        """Mail is led there. Only when that has ended the time begins."""
        until = Until(None, max(seconds, lead.ttl))
        reason = f"{lead} leads mail to this name ({lead.source} says so)"
        return [Staying(one, staying(one.record, until), None, reason) for one in held]

    def _first(self, name: str, held: Sequence[ZoneRecord], seconds: int) -> list[Staying]:
        """Nothing of the zone leads there any more, and no time is set yet."""
        kept = [lead.ttl for lead in self._before.found if lead.target == name]
        seconds = max([seconds, *kept]) or AUTOMATIC_SECONDS
        for leads in self._look(self._elsewhere):
            lead = leads.to({name})
            if lead and not lead.cached:
                return self._led(held, lead, seconds)
            if lead:
                seconds = max(seconds, lead.ttl)
            if leads.unknown:
                until = Until(None, seconds)
                reason = _cannot_be_told(leads)
                return [Staying(one, staying(one.record, until), None, reason) for one in held]
        reason = f"a sender may keep the MX that led to this name for {seconds} s"
        return self._dated(held, seconds, reason)

    def _last(self, name: str, held: Sequence[ZoneRecord]) -> list[Staying]:
        """The time has passed. Everybody is asked once more before anything is deleted."""
        unknown = None
        cached = None
        for leads in (*self._look(self._elsewhere), *self._look(self._here, cached_only=True)):
            if lead := leads.to({name}):
                if not lead.cached:
                    return self._led(held, lead, 0)
                cached = lead
            elif leads.unknown:
                unknown = unknown or leads
        if cached:
            reason = f"{cached.source} still keeps {cached} for {cached.ttl} s"
            return self._dated(held, cached.ttl, reason)
        if unknown:
            return [Staying(one, one.record, None, _cannot_be_told(unknown)) for one in held]
        return []

    def _dated(self, held: Sequence[ZoneRecord], seconds: int, reason: str) -> list[Staying]:
        time = after(self._question.now, seconds)
        return [Staying(one, staying(one.record, Until(time)), time, reason, seconds) for one in held]

    def _look(self, domains: Sequence[str], *, cached_only: bool = False) -> list[Leads]:
        missing = [name for name in domains if (name, cached_only) not in self._answers]
        if missing:
            found = self._question.look_up(missing, cached_only)
            for name, leads in zip(missing, found, strict=True):
                self._answers[name, cached_only] = _by_mx(leads)
        return [self._answers[name, cached_only] for name in domains]


def _by_mx(leads: Leads) -> Leads:
    """The leads without a domain that is its own target: that ends with the addresses themselves."""
    return replace(leads, found=tuple(lead for lead in leads.found if lead.preference is not None))


def _cannot_be_told(leads: Leads) -> str:
    return f"whether the MX of {leads.domain} leads mail to this name cannot be told ({leads.unknown})"


def look_up_with(resolver: str | None) -> LookUp:
    """Where the mail of other domains is led, as the DNS answers. `resolver` is as for `dns.sync`."""

    def look_up(domains: Sequence[str], cached_only: bool) -> Sequence[Leads]:
        from dns.world import leads  # late: these import dnspython
        from dns.world.vantage import vantage_with

        try:
            vantage = vantage_with(resolver)
        except SyncError as error:
            return [leads.Leads(name, unknown=str(error)) for name in domains]
        if cached_only:
            return [leads.Leads(name, leads.cached(name, vantage)) for name in domains]
        return [leads.look_up(name, vantage) for name in domains]

    return look_up
