"""The points as a table for people, and as a list for programs. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from dns.check.internet_nl.points import LEFT_OUT, RELEASE, Outcome, Point, Requirement
from dns.terminal.colour import GREEN, MAGENTA, RED, YELLOW, painted

_COLOURS = {
    Outcome.HOLDS: GREEN,
    Outcome.PHASE_OUT: YELLOW,
    Outcome.UNKNOWN: MAGENTA,
    Outcome.FAILS: RED,
}


def lines(points: Sequence[Point], *, colour: bool = False) -> list[str]:
    """A line that sums up, then each point by its category, with the fix of what does not hold."""
    width = max(len(_label(each)) for each in points)
    outcomes = max(map(len, Outcome))
    text = [summary(points)]
    for category, members in groupby(points, key=lambda each: each.category):
        text.append(f"{category}:")
        for each in members:
            outcome = painted(f"{each.outcome:<{outcomes}}", _COLOURS[each.outcome], colour=colour)
            text.append(f"  {_label(each):<{width}}  {outcome}  {each.cause}")
            if each.outcome is not Outcome.HOLDS and each.fix:
                text.append(f"    -> {each.fix}")
    return [*text, f"left out: {LEFT_OUT}"]


def _label(point: Point) -> str:
    return (
        point.label if point.requirement is Requirement.REQUIRED else f"{point.label} ({point.requirement})"
    )


def summary(points: Sequence[Point]) -> str:
    """How many points hold, and how many of the others there are."""
    count = {outcome: sum(each.outcome is outcome for each in points) for outcome in Outcome}
    good = count[Outcome.HOLDS] + count[Outcome.PHASE_OUT]
    parts = [f"{good} of {len(points)} hold"]
    if count[Outcome.PHASE_OUT]:
        parts.append(f"{count[Outcome.PHASE_OUT]} of these with what is to be phased out")
    if count[Outcome.FAILS]:
        parts.append(f"{count[Outcome.FAILS]} not")
    if count[Outcome.UNKNOWN]:
        parts.append(f"{count[Outcome.UNKNOWN]} not known from here")
    return f"internet.nl's mail test (release {RELEASE}), the points about receiving: {', '.join(parts)}"


def to_json(points: Sequence[Point]) -> dict[str, object]:
    """The points and their count, as an object for JSON."""
    return {
        "release": RELEASE,
        "summary": summary(points),
        "count": {outcome.value: sum(each.outcome is outcome for each in points) for outcome in Outcome},
        "left_out": LEFT_OUT,
        "points": [each.to_json() for each in points],
    }
