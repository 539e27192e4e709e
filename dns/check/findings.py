"""What was found to be wrong: one value for each finding, and the exit code that they make. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

ELSEWHERE = "run again, or from another network"


class Group(StrEnum):
    """How much a finding matters. The order is that of the report."""

    REQUIRED = "required"
    UNKNOWN = "unknown"
    ADVISED = "advised"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong (`required`), could be better (`advised`), or is not known.

    `code` is its stable name, for programs. `fix` is the exact record line or command, or what to do if there
    is none. `name` and `type` are those of the record that the finding is about. If it is about several, they
    are those of the first; if it is about none, they are empty.
    """

    group: Group
    code: str
    problem: str
    fix: str
    name: str = ""
    type: str = ""

    def __str__(self) -> str:
        return f"{self.problem}: {self.fix}"

    def to_json(self) -> dict[str, str]:
        """The finding for programs."""
        return {
            "code": self.code,
            "problem": self.problem,
            "fix": self.fix,
            "name": self.name,
            "type": self.type,
        }


def required(code: str, problem: str, fix: str, name: str = "", kind: str = "") -> Finding:
    """A finding without whose fix mail does not arrive, or not from everywhere."""
    return Finding(Group.REQUIRED, code, problem, fix, name, kind)


def advised(code: str, problem: str, fix: str, name: str = "", kind: str = "") -> Finding:
    """A finding without whose fix mail arrives all the same."""
    return Finding(Group.ADVISED, code, problem, fix, name, kind)


def unknown(code: str, problem: str, fix: str, name: str = "", kind: str = "") -> Finding:
    """A finding about something that is required, and that cannot be determined from here."""
    return Finding(Group.UNKNOWN, code, problem, fix, name, kind)


def only_seen_from_here(finding: Finding) -> Finding:
    """Turn a required finding into an unknown one, because only this network may have answered so."""
    if finding.group is not Group.REQUIRED:
        return finding
    return replace(
        finding,
        group=Group.UNKNOWN,
        problem=f"{finding.problem} (this is how it looks from here, and nobody else could be asked)",
        fix=ELSEWHERE,
    )


def exit_code(findings: Iterable[Finding]) -> int:
    """0 if all that is required holds, 2 if it does not, 1 if that is not known."""
    groups = {finding.group for finding in findings}
    if Group.REQUIRED in groups:
        return 2
    return 1 if Group.UNKNOWN in groups else 0
