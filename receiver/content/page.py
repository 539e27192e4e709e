"""Laying out tags and texts as plain text: paragraphs, lists, quotes, table rows, numbered links."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from receiver.content import markup, plain

_LONGEST_LINK = 8192
_BLOCKS = {
    "address": 1, "article": 1, "aside": 1, "blockquote": 2, "caption": 1, "center": 1, "dd": 1, "details": 1,
    "dir": 1, "div": 1, "dl": 1, "dt": 1, "fieldset": 1, "figcaption": 1, "figure": 1, "footer": 1, "form": 1,
    "h1": 2, "h2": 2, "h3": 2, "h4": 2, "h5": 2, "h6": 2, "header": 1, "legend": 1, "li": 1, "listing": 2,
    "main": 1, "menu": 1, "nav": 1, "ol": 1, "option": 1, "p": 2, "pre": 2, "section": 1, "summary": 1,
    "table": 1, "tr": 1, "ul": 1, "xmp": 2,
}  # fmt: skip
"""The line ends before an element. After it come as many, but only one after a paragraph."""
_LISTS, _CELLS, _VERBATIM = {"ul", "ol", "menu", "dir"}, {"td", "th"}, {"pre", "listing", "xmp", "textarea"}
_VOID = {"area", "br", "hr", "img", "wbr", "input"}
_MAX_INDENT = 20


@dataclass(slots=True)
class _Row:
    """An open row of a table. `line` is the line on which its last cell with text begins."""

    line: int = -1
    is_new: bool = False  # whether the open cell has no text yet
    goes_on: bool = False  # whether the open cell continues the line, so a block in it must not end the line


class Page:
    """Text that grows line by line. Line ends and spaces are written only when text follows them.

    `first` is the number of the first link. With `hides`, hidden elements are left out.
    """

    def __init__(self, first: int, *, hides: bool) -> None:
        self._hides, self._first = hides, first
        self._out: list[str] = []
        self._ends = self._space = 0  # line ends and spaces that wait for text
        self._quotes = self._quoted = self._verbatim = 0  # depths; _quoted is that of the last line
        self._lists: list[int] = []  # for each open list, the number of the next item, or -1 for bullets
        self._marker = ""  # the marker of an item that has no text yet
        self._rows: list[_Row] = []  # the open row of each open table
        self._line = 0
        self._hidden: list[str] = []  # names of the hidden element that is open, once for each level
        self._link: tuple[str, int] | None = (
            None  # the open link: its target, and the length of _out at its start
        )
        self._image = False  # whether the open link contains a picture without text
        self._numbers: dict[str, int] = {}
        self.links: list[str] = []
        self.pictures = 0
        self.has_hidden = False

    @property
    def is_blank(self) -> bool:
        return not self._out

    def text(self) -> str:
        """The page, with one line end at its end; empty if it has no text."""
        self._close_link()
        lines = "".join(self._out).split("\n")
        return "\n".join(line.rstrip() for line in lines).strip("\n") + "\n" if self._out else ""

    def read(self, seen: Iterable[markup.Token]) -> None:
        for name, is_end, content in seen:
            if self._hidden:
                self._skip(name, is_end)
            elif not name:
                self._text(markup.decoded(content) if "&" in content else content)
            elif is_end:
                self._close(name)
            elif (
                content
                and self._hides
                and ("style" in content or "hidden" in content)
                and markup.is_hidden(content)
            ):
                self.has_hidden = True
                if name not in _VOID:
                    self._hidden = [name]
            else:
                self._open(name, content)

    def _skip(self, name: str, is_end: bool) -> None:
        if name == self._hidden[0]:
            if is_end:
                self._hidden.pop()
            else:
                self._hidden.append(name)

    def _open(self, name: str, content: str) -> None:
        if name in _BLOCKS:
            self._end_line(_BLOCKS[name])
        if name == "br":
            self._ends = min(2, self._ends + 1)
        elif name == "a":
            self._close_link()
            target = markup.attributes(content).get("href", "")
            self._link, self._image = (target, len(self._out)) if target else None, False
        elif name in ("img", "area"):
            self._picture(name, markup.attributes(content))
        elif name == "hr":
            self._end_line(1)
            self._put("-" * 20)
            self._end_line(1)
        elif name == "li":
            self._begin_item()
        elif name in _LISTS:
            if self._lists:
                self._ends = min(self._ends, 1)
            start = markup.attributes(content).get("start", "1") if name == "ol" else "-1"
            self._lists.append(int(start) if start.isascii() and start.isdigit() and len(start) < 7 else 1)
            self._lists[-1] = self._lists[-1] if name == "ol" else -1
        elif name in _CELLS:
            self._begin_cell()
        elif name == "table":
            self._rows.append(_Row())
        elif name == "tr" and self._rows:
            self._rows[-1] = _Row()
        elif name == "blockquote":
            self._quotes += 1
        elif name in _VERBATIM:
            self._verbatim += 1

    def _close(self, name: str) -> None:
        if name == "a":
            self._close_link()
        elif name == "blockquote":
            self._quotes = max(0, self._quotes - 1)
        elif name in _VERBATIM:
            self._verbatim = max(0, self._verbatim - 1)
        elif name in _LISTS and self._lists:
            self._lists.pop()
        elif name == "li":
            self._marker = ""
        elif name == "table" and self._rows:
            self._rows.pop()
        if name in _BLOCKS:
            self._end_line(1 if name == "p" else _BLOCKS[name])

    def _end_line(self, ends: int) -> None:
        if not (self._rows and self._rows[-1].goes_on):
            self._ends = max(self._ends, ends)

    def _begin_item(self) -> None:
        number = self._lists[-1] if self._lists else -1
        self._marker = f"{number}. " if number >= 0 else "- "
        if number >= 0:
            self._lists[-1] += 1

    def _begin_cell(self) -> None:
        """Continue the line of the cell before, if that cell has only one line. Else begin a line."""
        if not self._rows:
            self._ends = max(self._ends, 1)
            return
        row = self._rows[-1]
        if row.line == self._line:
            self._ends, self._space, row.goes_on = 0, 2, True
        elif row.line >= 0:
            self._ends, row.goes_on = max(self._ends, 1), False
        row.is_new = True

    def _picture(self, name: str, said: dict[str, str]) -> None:
        alternative = " ".join(said.get("alt", "").split())
        target = said.get("href", "") if name == "area" else ""
        if target:
            self._close_link()
            self._link, self._image = (target, len(self._out)), True
        if alternative:
            self._space = max(self._space, 1)
            self._put(alternative)
            self._space = 1
        elif name == "img":
            self.pictures += 1
            self._image = True
        if target:
            self._close_link()

    def _text(self, text: str) -> None:
        if self._verbatim:
            self._put_lines(text)
            return
        words = " ".join((text if text.isascii() else plain.without_fillers(text)).split())
        if text[:1].isspace():
            self._space = self._space or 1
        if words:
            self._put(words)
            self._space = 1 if text[-1].isspace() else 0

    def _put_lines(self, text: str) -> None:
        for number, line in enumerate(text.replace("\r\n", "\n").replace("\u00a0", " ").split("\n")):
            if number:
                self._ends += 1
                self._space = 0
            if line:
                self._put(line)

    def _put(self, text: str) -> None:
        if self._ends or not self._out:
            # A blank line between quoted lines is quoted, too.
            blank = ("> " * min(_MAX_INDENT, self._quotes, self._quoted)).rstrip() + "\n"
            ends = "\n" + blank * (self._ends - 1) if self._out else ""
            self._line += self._ends if self._out else 0
            self._quoted = self._quotes
            prefix = ""
            if self._quotes or self._lists or self._marker:
                prefix = "> " * min(_MAX_INDENT, self._quotes)
                prefix += "  " * min(_MAX_INDENT, max(0, len(self._lists) - 1))
                prefix += self._marker or ("  " if self._lists else "")
                self._marker = ""
            self._out.append(ends + prefix + text)
        else:
            self._out.append(" " * self._space + text)
        if self._rows and self._rows[-1].is_new:
            row = self._rows[-1]
            row.line, row.is_new, row.goes_on = self._line, False, False
        self._ends = self._space = 0

    def _close_link(self) -> None:
        link, self._link = self._link, None
        if link is None:
            return
        target, began = " ".join(link[0].split()), link[1]
        if not target or target.startswith("#") or target.lower().startswith(("javascript:", "data:")):
            return
        if len(self._out) == began:
            if not self._image:
                return  # The link has nothing to click on.
            self._put("[picture]")
        target = target[:_LONGEST_LINK] + ("…" if len(target) > _LONGEST_LINK else "")
        number = self._numbers.setdefault(target, self._first + len(self.links))
        if number == self._first + len(self.links):
            self.links.append(target)
        self._out.append(f"[{number}]")
