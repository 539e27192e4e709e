"""What was found to be wrong: one value a finding, and the exit code that they amount to. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Group = Literal["required", "advised", "unknown"]
GROUPS: tuple[Group, ...] = ("required", "unknown", "advised")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong (``required``), could be better (``advised``), or could not be told.

    ``code`` is its stable name, for programs. ``mend`` is the exact record line or command, or what
    to do where neither can mend it.
    """

    group: Group
    code: str
    problem: str
    mend: str

    def __str__(self) -> str:
        return f"{self.problem}: {self.mend}"


def required(code: str, problem: str, mend: str) -> Finding:
    """Without this, mail does not arrive, or not from everywhere."""
    return Finding("required", code, problem, mend)


def advised(code: str, problem: str, mend: str) -> Finding:
    """Mail arrives without it."""
    return Finding("advised", code, problem, mend)


def unknown(code: str, problem: str, mend: str) -> Finding:
    """It is required, and from here it cannot be told."""
    return Finding("unknown", code, problem, mend)


def exit_code(findings: Iterable[Finding]) -> int:
    """0: all that is required holds; 2: it does not; 1: that cannot be told."""
    groups = {finding.group for finding in findings}
    if "required" in groups:
        return 2
    return 1 if "unknown" in groups else 0
