"""HTML as text for a terminal: lines, lists, quotes and table rows, with links as numbers and a list of them.

What a browser would not show is left out (scripts, comments, `hidden`, `display: none`), and so are pictures
without an alternative text, of which most count readers. Rules in a style sheet are not looked at: better a
line too many than one lost.
"""

from __future__ import annotations

from dataclasses import dataclass

from receiver.reading import markup
from receiver.reading.page import Page


@dataclass(frozen=True, slots=True)
class Rendered:
    """A document as text, its lines ended by LF; `links[n]` is what `[first + n]` in it stands for."""

    text: str
    links: tuple[str, ...]
    note: str = ""  # what went wrong, for people


def render(document: str, first: int = 1, *, lays_out: bool = True) -> Rendered:
    """The document as text; its links are numbered from `first` on. Takes time linear in its length.

    Without `lays_out` its tags are read as they stand, which is quicker.
    """
    note = "" if lays_out else "it has many HTML parts: the last are shown as they stand"
    if document and lays_out:
        document, note = markup.well_formed(document)
    page = Page(first, hides=not note)
    page.read(markup.tokens(document))
    if page.is_blank and page.has_hidden:  # a page that hides all of itself until its style sheet shows it
        page = Page(first, hides=False)
        page.read(markup.tokens(document))
    if page.is_blank and page.pictures:
        note = note or f"its HTML has no text, but {page.pictures} picture(s), which are not shown"
    text = page.text()
    if page.links:
        text += "\n" + "".join(f"[{number}] {link}\n" for number, link in enumerate(page.links, first))
    return Rendered(text, tuple(page.links), note)
