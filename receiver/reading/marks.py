"""A verdict on a screen: a mark in a table, and a sentence."""

from __future__ import annotations

from collections.abc import Sequence

from receiver.cli import terminal
from receiver.cli.terminal import BOLD, GREEN, RED, YELLOW, Screen
from receiver.reading.sender.verdict import Answer
from receiver.reading.summary import Summary

_COLOURS = {True: GREEN, False: RED, None: YELLOW}
_MARKS = {True: "✓", False: "✗", None: "?"}
_IN_ASCII = {True: "yes", False: "NO", None: "?"}
_UNCHECKED = "-"


def mark(each: Summary, screen: Screen) -> str:
    """Whether a message is really from the domain that it names, and whether it is spam, in one cell."""
    said = _UNCHECKED
    if each.verdict.answer is not Answer.UNCHECKED:
        said = (_MARKS if screen.shows_unicode else _IN_ASCII)[each.verdict.is_authentic]
    return f"{said} spam" if each.is_spam else said


def style(said: str) -> Sequence[str]:
    """The codes for the style of a mark."""
    first = said.partition(" ")[0]
    return [_COLOURS[answer] for answer in _COLOURS if first in (_MARKS[answer], _IN_ASCII[answer])]


def print_sentence(screen: Screen, sentence: str, is_authentic: bool | None, *, is_spam: bool) -> None:
    """Print the sentence of a verdict, and `spam` if a spam filter said so."""
    said = terminal.plain(sentence) + ("; spam" if is_spam else "")
    first, _, rest = said.partition(" ")
    colour = [] if is_authentic is None else [_COLOURS[is_authentic]]
    screen.hanging(f"{screen.styled(first, BOLD)} ", 10, rest, *colour)
