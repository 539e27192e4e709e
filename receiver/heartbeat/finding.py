"""One thing that was looked at: whether it is well, and the figures that say so."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """`well` is None if it cannot be told, which is not well. `words` are one line."""

    name: str
    well: bool | None
    words: str

    def to_json(self) -> dict[str, object]:
        """`name`, `well` (true, false or null) and `words`."""
        return asdict(self)
