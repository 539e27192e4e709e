"""The three states of a link: in JSON, on the screen, and in the last line."""

from __future__ import annotations

import io

import pytest

from receiver.cli.terminal import Screen
from receiver.doctor import links
from receiver.doctor.links import Link

HOLDS = Link("socket", "it listens")
BROKEN = Link("socket", "down", fix="start it")
UNKNOWN = Link("packet", "no route", look="look from elsewhere")


@pytest.mark.parametrize(
    ("link", "holds", "mark"), [(HOLDS, True, "✓"), (BROKEN, False, "✗"), (UNKNOWN, None, "?")]
)
def test_a_link_has_three_states(link: Link, holds: bool | None, mark: str) -> None:
    assert link.to_json()["holds"] is holds
    assert links.from_json(link.to_json()) == link
    out = io.StringIO()
    links.print_link(link, Screen(out))
    assert out.getvalue().startswith(mark)
    assert ("→" in out.getvalue()) == (holds is not True)


def test_what_is_unknown_has_no_fix_for_programs_that_look_for_one() -> None:
    assert (UNKNOWN.to_json()["fix"], UNKNOWN.to_json()["look"]) == (None, "look from elsewhere")


@pytest.mark.parametrize(
    ("found", "text"),
    [
        ([HOLDS], "Nothing is broken."),
        ([HOLDS, BROKEN], ""),
        ([UNKNOWN, BROKEN], ""),
        ([], ""),
        ([HOLDS, UNKNOWN], "Nothing is broken as far as could be seen: 1 link could not be told (?)."),
        ([UNKNOWN] * 2, "Nothing is broken as far as could be seen: 2 links could not be told (?)."),
    ],
)
def test_only_what_was_seen_to_hold_is_called_unbroken(found: list[Link], text: str) -> None:
    assert links.summary(found) == text


def test_an_unknown_link_does_not_end_the_walk_and_a_broken_one_does() -> None:
    walked = links.checked([lambda: UNKNOWN, lambda: HOLDS, lambda: BROKEN, lambda: HOLDS])
    assert [link.holds for link in walked] == [None, True, False]
