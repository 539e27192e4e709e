"""Drawing medians as horizontal bars in an SVG, with one group for each load."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from html import escape

_COLOURS = ("#1f6feb", "#8b949e", "#b9a37e", "#a58bb9", "#7eb99a", "#d08a8a", "#c9c36a", "#6fb3c7")
_LEFT, _WIDTH, _BAR, _GAP = 190, 430, 14, 14


def drawing(rates: Mapping[str, Mapping[str, Sequence[float]]], caption: str) -> str:
    """The SVG. `rates` has the messages per second of each run, by receiver and load."""
    names = list(rates)
    titles = list(rates[names[0]])
    medians = {name: {title: statistics.median(rates[name][title]) for title in titles} for name in names}
    most = max(value for of in medians.values() for value in of.values())
    group = _BAR * len(names) + _GAP
    places = _legend(names)
    first = places[-1][1] + 20
    height = first + 12 + group * len(titles)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 {height}" width="720" height="{height}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="720" height="{height}" fill="#ffffff"/>',
        f'<text x="12" y="22" font-size="15" fill="#1f2328">Messages a second, {escape(caption)}</text>',
    ]
    for number, (name, (x, y)) in enumerate(zip(names, places, strict=True)):
        parts.append(f'<rect x="{x}" y="{y - 10}" width="12" height="12" fill="{_colour(number)}"/>')
        parts.append(f'<text x="{x + 17}" y="{y}" fill="#1f2328">{escape(name)}</text>')
    for row, title in enumerate(titles):
        top = first + row * group
        middle = top + _BAR * len(names) / 2 + 4
        parts.append(
            f'<text x="{_LEFT - 10}" y="{middle:.0f}" text-anchor="end" fill="#1f2328">{escape(title)}</text>'
        )
        for number, name in enumerate(names):
            value, y = medians[name][title], top + number * _BAR
            width = max(1.0, _WIDTH * value / most)
            bar = f'<rect x="{_LEFT}" y="{y}" width="{width:.1f}" height="{_BAR - 2}"'
            parts.append(f'{bar} fill="{_colour(number)}"/>')
            parts.append(
                f'<text x="{_LEFT + width + 5:.1f}" y="{y + 10}" font-size="11" fill="#57606a">'
                f"{value:.0f}</text>"
            )
    return "\n".join([*parts, "</svg>"]) + "\n"


def _legend(names: Sequence[str]) -> list[tuple[int, int]]:
    """The position of each name in the legend, which may have several lines."""
    places, x, y = [], 12, 46
    for name in names:
        wide = max(110, 40 + 7 * len(name))
        if x + wide > 720:
            x, y = 12, y + 20
        places.append((x, y))
        x += wide
    return places


def _colour(number: int) -> str:
    return _COLOURS[number % len(_COLOURS)]
