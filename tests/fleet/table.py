"""The table that a run ends with."""

from __future__ import annotations

from collections.abc import Sequence

from tests.fleet.fleet import Row

HEADS = (
    "trial",
    "rounds",
    "acknowledged",
    "copies",
    "lost",
    "twice",
    "broken",
    "unknown",
    "slowest",
    "pause",
)


def table(rows: Sequence[Row]) -> str:
    """The rows and their sum, in columns. Seconds are those of the slowest answer and the longest pause.

    A row without rounds looks at the messages of the others once more, so it adds only its faults.
    """
    cells = [_cells(row) for row in rows]
    faults = {HEADS.index(name) for name in ("lost", "twice", "broken")}
    total = [
        str(sum(int(each[at]) for row, each in zip(rows, cells, strict=True) if row.rounds or at in faults))
        for at in range(1, 8)
    ]
    worst = [f"{max((getattr(row, name) for row in rows), default=0):.1f} s" for name in ("slowest", "pause")]
    lines = [HEADS, *cells, ("all", *total, *worst)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADS))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    )


def wrong(rows: Sequence[Row]) -> str:
    """A line for each thing that must not be, or nothing."""
    lines = [f"WRONG: {row.trial}: {each}" for row in rows for each in row.wrong]
    for row in rows:
        for name in ("lost", "broken", *(["twice"] if row.once else [])):
            copies = sorted(getattr(row.verdict, name))
            if copies:
                shown = ", ".join(f"{digest[:12]} of {box}" for box, digest in copies[:3])
                lines.append(f"WRONG: {row.trial}: {len(copies)} {name}: {shown}")
    return "\n".join(lines)


def _cells(row: Row) -> tuple[str, ...]:
    verdict = row.verdict
    counts = (row.rounds, row.acknowledged, row.copies, len(verdict.lost), len(verdict.twice))
    return (
        row.trial,
        *map(str, (*counts, len(verdict.broken), row.unknown)),
        f"{row.slowest:.1f} s",
        f"{row.pause:.1f} s",
    )
