"""What was found, and the text that the switch gets of it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_LONGEST = 300  # characters of the words of one finding


@dataclass(frozen=True, slots=True)
class Finding:
    """`well` is None if it cannot be told, which is not well."""

    name: str
    well: bool | None
    words: str

    def line(self) -> str:
        """One line: `ok disk: 12 GB free`."""
        mark = {True: "ok", False: "NOT WELL", None: "UNKNOWN"}[self.well]
        return f"{mark} {one_line(self.name)}: {one_line(self.words)}"


def parse_finding(value: object) -> Finding:
    """A finding as JSON: `name`, `well`, `words`. Raises ValueError."""
    if not isinstance(value, Mapping):
        raise ValueError("a finding that is no object")
    well = value.get("well")
    if well not in (True, False, None):
        raise ValueError("a finding without `well`")
    return Finding(str(value.get("name")), well, str(value.get("words")))


def is_well(findings: Iterable[Finding]) -> bool:
    """Whether everything was seen to be well. Nothing seen is not well."""
    found = list(findings)
    return bool(found) and all(each.well is True for each in found)


def report(findings: Iterable[Finding]) -> str:
    """What the switch is told: a line for each finding, those that are not well first."""
    return "".join(f"{each.line()}\n" for each in sorted(findings, key=lambda each: each.well is True))


def reason(findings: Iterable[Finding]) -> str:
    """The same in one line, and if something is not well, of that alone."""
    found = list(findings)
    bad = [each for each in found if each.well is not True]
    return "; ".join(each.line() for each in (bad or found)) or "UNKNOWN: nothing was looked at"


def one_line(text: str) -> str:
    """The text as one line of bounded length, without control characters."""
    return "".join(c if c.isprintable() else " " for c in text)[:_LONGEST]
