"""What nameservers should answer, and how an answer differs from that. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from dns.caa.properties import plain
from dns.plan import Plan
from dns.records import ADDRESS_TYPES, SHARED_TYPES, Record
from dns.world.answers import Answer

NO_ALIAS = (
    *ADDRESS_TYPES,
    "MX",
)  # a name with one of these may not be an alias (RFC 2181, 10.3; RFC 1034, 3.6.2)


@dataclass(frozen=True, slots=True)
class Expected:
    """A question, and the values that should be answered. TXT and CAA may have other values too."""

    name: str
    type: str
    values: frozenset[str]


def from_plan(plan: Plan) -> tuple[Expected, ...]:
    """What the nameservers should answer after the plan is carried out."""
    published = [record for record in plan.desired if record not in plan.withheld]
    asked = {(record.name, record.type) for record in published}
    if plan.remaining is not None:
        gone = {held.record.name for held in plan.deletes if held.record.type == "MX"}
        left = tuple(
            Expected(name, "MX", frozenset(r.rdata for r in plan.remaining if r.name == name))
            for name in sorted(gone)
        )
        texts = [record for record in (*plan.posts, *plan.desired) if record.type == "TXT"]
        return (*left, *from_records(texts))
    spared = [held.record for held in plan.spared if (held.record.name, held.record.type) in asked]
    return from_records([*published, *spared])


def from_records(published: Iterable[Record]) -> tuple[Expected, ...]:
    """What nameservers should answer that publish these records.

    A host with addresses of one IP version only should have none of the other.
    """
    values: dict[tuple[str, str], set[str]] = {}
    for record in published:
        values.setdefault((record.name, record.type), set()).add(record.rdata)
        if record.type in ADDRESS_TYPES:
            for kind in ADDRESS_TYPES:
                values.setdefault((record.name, kind), set())
    return tuple(Expected(name, kind, frozenset(texts)) for (name, kind), texts in values.items())


def mismatch(question: Expected, answer: Answer, *, authoritative: bool = True) -> str | None:
    """What is wrong with the answer, in words, or None. `authoritative`: whether it must be authoritative."""
    where = f"{question.name} {question.type}"
    if is_wrong_alias(question, answer) and (answer.authoritative or not authoritative):
        return f"{where}: is an alias of {answer.alias}"
    failure = answer.failure(authoritative=authoritative)
    if failure:
        return f"{where}: {failure}"
    missing, surplus = missing_and_surplus(question, answer)
    if missing:
        return f"{where}: {missing[0]} is missing"
    return f"{where}: {surplus[0]} is still there" if surplus else None


def missing_and_surplus(question: Expected, answer: Answer) -> tuple[list[str], list[str]]:
    """The values that are missing, and those that are there and should not be.

    While Universal SSL is on, Cloudflare answers CAA of its own in the place of ours, without parameters
    (CVE-2026-14440). `dns.check` says so, and nothing waits for what will never be answered.
    """
    missing = sorted(question.values - answer.values)
    if question.type == "CAA":
        missing = [value for value in missing if plain(value) not in answer.values]
    surplus = [] if question.type in SHARED_TYPES else sorted(answer.values - question.values)
    return missing, surplus


def is_wrong_alias(question: Expected, answer: Answer) -> bool:
    """Whether the name is an alias and may not be one: a mail host, or a domain that takes mail."""
    return bool(answer.alias) and question.type in NO_ALIAS


def no_answer_reason(question: Expected, answer: Answer) -> str:
    """Why a nameserver's answer tells nothing about the name, in words. Empty if it tells.

    If the name may not be an alias, the alias tells enough, wherever it leads.
    """
    return "" if is_wrong_alias(question, answer) and answer.authoritative else answer.failure()
