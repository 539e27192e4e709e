"""HTML as text for a terminal: lines, lists, quotes and table rows. Links become numbers, listed at the end.

The text leaves out what a browser does not show (scripts, comments, `hidden`, `display: none`). It also
leaves out pictures without alternative text, because most of them only track readers. It ignores style
sheets, because an extra line does less harm than a lost one.
"""

from __future__ import annotations

from dataclasses import dataclass

from receiver.content import markup
from receiver.content.page import Page


@dataclass(frozen=True, slots=True)
class Rendered:
    """A document as text with LF line ends. `[first + n]` in the text stands for `links[n]`."""

    text: str
    links: tuple[str, ...]
    note: str = ""  # for the reader, if something went wrong


def render(document: str, first: int = 1, *, lays_out: bool = True) -> Rendered:
    """Render a document as text, with its links numbered from `first` on. Takes time linear in its length.

    Without `lays_out` the tags are not parsed into a tree, which is quicker.
    """
    note = "" if lays_out else "it has many HTML parts, and the last are shown in a simple form"
    if document and lays_out:
        document, note = markup.well_formed(document)
    page = Page(first, hides=not note)
    page.read(markup.tokens(document))
    if page.is_blank and page.has_hidden:  # Some pages hide everything until their style sheet shows it.
        page = Page(first, hides=False)
        page.read(markup.tokens(document))
    if page.is_blank and page.pictures:
        note = note or f"its HTML has no text and {page.pictures} picture(s), which are not shown"
    text = page.text()
    if page.links:
        text += "\n" + "".join(f"[{number}] {link}\n" for number, link in enumerate(page.links, first))
    return Rendered(text, tuple(page.links), note)
