"""The links to a bucket, as a check says them, and the first that does not hold. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

GOOD, BAD, UNKNOWN = "good", "bad", "unknown"
CONDITIONAL_WRITE = "conditional write"


@dataclass(frozen=True, slots=True)
class Link:
    """One link: its name, whether it is good, bad or unknown, what was found, and the fix."""

    name: str
    state: str
    found: str
    fix: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What a check has answered. Without links it is not known how the bucket is, and `said` says why."""

    links: tuple[Link, ...] = ()
    said: str = ""


def parse_answer(lines: Iterable[str], errors: Iterable[str] = ()) -> Answer:
    """The answer of `letterbox-bucket check --json`, from what it printed on its two outputs."""
    for line in reversed(list(lines)):
        try:
            links = tuple(
                Link(*(str(each.get(key, "")) for key in ("link", "state", "found", "fix")))
                for each in json.loads(line)["links"]
            )
        except (ValueError, LookupError, TypeError, AttributeError):
            continue
        return Answer(links)
    return Answer(
        said=next((line.strip() for line in reversed(list(errors)) if line.strip()), "it said nothing")
    )


def problem(answer: Answer) -> str:
    """The first link that is not good, with its fix, in one line. Empty if all are known to be good."""
    for link in answer.links:
        if link.state != GOOD:
            what = (
                f"{link.name}: {link.found}"
                if link.state == BAD
                else f"{link.name} is not known: {link.found}"
            )
            return f"{what}: {link.fix}" if link.fix else what
    if not answer.links:
        return f"it is not known whether the bucket takes mail ({answer.said}): run it again"
    if CONDITIONAL_WRITE not in (link.name for link in answer.links):
        return f"{CONDITIONAL_WRITE} is not known: the check did not say: deploy this checkout again"
    return ""


def summary(answer: Answer) -> str:
    """What was found good, in words."""
    names = [link.name for link in answer.links]
    return f"{', '.join(names[:-1])} and {names[-1]} are good"
