"""The workflow that users copy runs no action that somebody else can change."""

from __future__ import annotations

import re
from pathlib import Path

WORKFLOW = Path(__file__).parents[2] / "docs" / "smoke-workflow.yml"


def test_every_action_is_pinned_to_a_commit_and_says_its_version() -> None:
    used = re.findall(r"uses: (.+)", WORKFLOW.read_text())
    assert len(used) >= 4
    for action in used:
        assert re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40}  # v\d+\.\d+\.\d+", action), action
