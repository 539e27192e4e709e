"""Reading the table [checks]: how the senders of mail are checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from receiver.config.names import domain_problem
from receiver.config.tables import Reader
from receiver.config.values import SenderChecks

LONGEST_DEADLINE = 60  # seconds; a sender waits for our reply, and some do not wait for minutes


def sender_checks(reader: Reader, top: Mapping[str, Any]) -> SenderChecks | None:
    """The table [checks], or None without it. Problems go to the reader."""
    if "checks" not in top:
        return None
    table = reader.table(top["checks"], "checks", {"resolver", "deadline", "names"})
    resolver = reader.path(table, "checks", "resolver", required=True)
    deadline = reader.value(table, "checks", "deadline", int)
    if deadline is not None and not 1 <= deadline <= LONGEST_DEADLINE:
        reader.complain("checks.deadline", f"must be from 1 to {LONGEST_DEADLINE} seconds, not {deadline}")
    names = reader.strings(table, "checks", "names")
    for name in names:
        if problem := domain_problem(name):
            reader.complain("checks.names", problem)
    return SenderChecks(resolver, 5 if deadline is None else deadline, names) if resolver else None
