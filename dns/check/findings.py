"""What was found to be wrong: one value a finding, and the exit code that they amount to. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

Group = Literal["required", "advised", "unknown"]
ELSEWHERE = "run again, or from another network"
GROUPS: tuple[Group, ...] = ("required", "unknown", "advised")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong (``required``), could be better (``advised``), or could not be told.

    ``code`` is its stable name, for programs. ``mend`` is the exact record line or command, or what
    to do where neither can mend it. ``name`` and ``type`` are those of the record that it is about,
    the first one where it is about several, and empty where it is about none.
    """

    group: Group
    code: str
    problem: str
    mend: str
    name: str = ""
    type: str = ""

    def __str__(self) -> str:
        return f"{self.problem}: {self.mend}"


def required(code: str, problem: str, mend: str, name: str = "", kind: str = "") -> Finding:
    """Without this, mail does not arrive, or not from everywhere."""
    return Finding("required", code, problem, mend, name, kind)


def advised(code: str, problem: str, mend: str, name: str = "", kind: str = "") -> Finding:
    """Mail arrives without it."""
    return Finding("advised", code, problem, mend, name, kind)


def unknown(code: str, problem: str, mend: str, name: str = "", kind: str = "") -> Finding:
    """It is required, and from here it cannot be told."""
    return Finding("unknown", code, problem, mend, name, kind)


def only_seen_from_here(finding: Finding) -> Finding:
    """The finding as unknown, where it rests on what this network alone may have answered."""
    if finding.group != "required":
        return finding
    return replace(
        finding,
        group="unknown",
        problem=f"{finding.problem} (so it looks from here, and nobody else was heard)",
        mend=ELSEWHERE,
    )


def exit_code(findings: Iterable[Finding]) -> int:
    """0: all that is required holds; 2: it does not; 1: that cannot be told."""
    groups = {finding.group for finding in findings}
    if "required" in groups:
        return 2
    return 1 if "unknown" in groups else 0
