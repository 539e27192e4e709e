"""`python -m tests.first_mail.breaks_table`: docs/notes/breaks.md from what `make thorough` has measured."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tests.first_mail.breaks import BREAKS
from tests.first_mail.measuring import Measured

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / ".lab" / "breaks.jsonl"
PAGE = ROOT / "docs" / "notes" / "breaks.md"
HEAD = """\
# Breaks, and who sees them

`make thorough` breaks a deployed host of the lab, its DNS and the way to it, one thing at a time.
`python -m tests.first_mail.breaks_table` writes this page from that run.

- **doctor**: the link that `python -m first_mail.doctor` names; ✓ if it is exactly the right one.
- **its fix**: ✓ if the doctor is silent after its fix was followed; "words" if the fix is not a command.
- **`--dry`**: how many steps `pyinfra --dry` lists.
- **deploy**: ✓ if one more deploy mends it and then has nothing to do.
- **end_state**, **smoke**: the first test that fails. smoke is tried if end_state passes.
"""


def rows(results: Path) -> list[Measured]:
    """What was measured, the last time of each break, in the order of `BREAKS`."""
    found = [Measured(**json.loads(line)) for line in results.read_text().splitlines()]
    last = {one.what: one for one in found}
    return [last[one.what] for one in BREAKS if one.what in last]


def mark(value: bool | None, none: str) -> str:
    return none if value is None else "✓" if value else "✗"


def page(measured: list[Measured]) -> str:
    """The page in Markdown."""
    followed = [one for one in measured if one.fix_helps is not None]
    dry = [one for one in measured if one.dry]
    end_state, smoke = (sum(bool(getattr(one, room)) for one in measured) for room in ("end_state", "smoke"))
    tested = [one for one in measured if one.end_state or one.smoke]
    unseen = [one for one in measured if not (one.named or one.dry or one.end_state or one.smoke)]
    counts = (
        f"Of {len(measured)} breaks the doctor names {sum(one.is_exact for one in measured)} exactly. Of its "
        f"fixes {len(followed)} are commands, and {sum(bool(one.fix_helps) for one in followed)} of these "
        f"helped when followed. `--dry` lists {len(dry)}, and one more deploy mends "
        f"{sum(bool(one.deploy_mends) for one in dry)} of these. end_state fails at {end_state}, smoke at "
        f"{smoke}, at least one of them at {len(tested)}. Nobody sees {len(unseen)}."
    )
    lines = [
        HEAD,
        counts,
        "",
        "| break | doctor | its fix | `--dry` | deploy | end_state | smoke |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for one in measured:
        named = ", ".join(one.named) or "silent"
        cells = (
            one.what,
            f"{named} {mark(one.is_exact, '')}" if one.link else named,
            mark(one.fix_helps, "words" if one.fix else "-"),
            str(len(one.dry)) if one.dry else "-",
            mark(one.deploy_mends, "-"),
            one.end_state.removeprefix("test_").replace("_", " ") or "-",
            (one.smoke or "").removeprefix("test_").replace("_", " ") or ("-" if one.smoke == "" else ""),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write the page; the exit code."""
    if not RESULTS.exists():
        print(f"{RESULTS} is not there: run make thorough first", file=sys.stderr)
        return 1
    measured = rows(RESULTS)
    PAGE.write_text(page(measured))
    print(f"{PAGE}: {len(measured)} breaks")
    return 0


if __name__ == "__main__":
    sys.exit(main())
