"""The TXT record of a policy as a run finds and leaves it: its id, and what its comment remembers. Pure.

    letterbox example.com                                        a policy stands
    letterbox example.com leaving 2026-11-26T03:05:00Z           until then a sender may have an MX that went
    letterbox example.com kept 2026-12-03T03:05:00Z              until then a sender may keep an older policy
    letterbox until 2026-12-03T03:05:00Z example.com             nothing asks for it any more (`dns.until`)

What somebody wrote behind our words stays there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise

from dns.mta_sts.policy import LABEL, TXT_TTL, id_of, is_record, record
from dns.records import MARK, MARK_LENGTH, Record, ZoneRecord, is_marked, key_of, mark_of
from dns.until import Until, parse_time, plain, staying, to_text, until_of

LEAVING, KEPT = "leaving", "kept"


@dataclass(frozen=True, slots=True)
class Announced:
    """Our TXT record in the zone. Without one, `held` is None and nothing is remembered."""

    held: ZoneRecord | None = None
    more: tuple[ZoneRecord, ...] = ()
    """Further ones of ours, which must go: two records are none to a sender."""
    id: str | None = None
    leaving: datetime | None = None
    """Until when a sender may have an MX that was taken away."""
    kept: datetime | None = None
    """Until when a sender may keep a policy that was replaced by one with a shorter life."""
    until: datetime | None = None
    """Until when it stays, if nothing asks for a policy any more."""

    @property
    def ends(self) -> bool:
        """Whether it says that nothing asks for a policy any more."""
        return self.held is not None and until_of(self.held.record) is not None


def find(domain: str, found: Iterable[ZoneRecord]) -> Announced:
    """Our TXT record of the domain among the records of its zone."""
    mark = mark_of(domain)
    ours = [
        held
        for held in found
        if (held.record.type, held.record.name) == ("TXT", name_of(domain))
        and is_marked(held.record, mark)
        and is_record(held.record.content)
    ]
    if not ours:
        return Announced()
    own, *more = ours
    until = until_of(own.record)
    times = {} if until else _times(own.record.comment)
    return Announced(
        own,
        tuple(more),
        id_of([own.record.content]),
        times.get(LEAVING),
        times.get(KEPT),
        until.time if until else None,
    )


def name_of(domain: str) -> str:
    """The name of the TXT record."""
    return f"{LABEL}.{domain}"


def announcing(
    domain: str, policy_id: str, leaving: datetime | None, kept: datetime | None, before: Announced
) -> Record:
    """The TXT record that tells of the policy of this id. What others wrote in `before` stays."""
    text = Record("TXT", name_of(domain), record(policy_id), ttl=TXT_TTL)
    return replace(text, comment=_comment(domain, leaving, kept, before))


def remembering(record: Record, domain: str, before: Announced, leaving: datetime) -> Record:
    """The TXT record with another time until when a sender may have an MX that went."""
    kept = _times(record.comment).get(KEPT)
    return replace(record, comment=_comment(domain, leaving, kept, before))


def ending(domain: str, policy_id: str, until: datetime) -> Record:
    """The TXT record of the policy of this id, which nothing asks for any more."""
    text = Record("TXT", name_of(domain), record(policy_id), ttl=TXT_TTL, comment=mark_of(domain))
    return staying(text, Until(until))


def _comment(domain: str, leaving: datetime | None, kept: datetime | None, before: Announced) -> str:
    times = [f"{word} {to_text(time)}" for word, time in ((LEAVING, leaving), (KEPT, kept)) if time]
    mark = mark_of(domain)
    if len(" ".join([mark, *times])) > MARK_LENGTH:
        mark = f"{MARK} {key_of(domain)}"
    ours = " ".join([mark, *times])
    whole = " ".join([ours, *_others(before)])
    return whole if len(whole) <= MARK_LENGTH else ours


def _times(comment: str | None) -> dict[str, datetime | None]:
    return {word: parse_time(time) for word, time in pairwise((comment or "").split())}


def _others(before: Announced) -> list[str]:
    """What somebody wrote behind our words."""
    if before.held is None:
        return []
    words = plain(before.held.record.comment).split()[2:]
    while len(words) > 1 and words[0] in (LEAVING, KEPT) and parse_time(words[1]):
        words = words[2:]
    return words
