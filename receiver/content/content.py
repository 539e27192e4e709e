"""The content of a message: its text, its links, its attachments, and the messages inside it. Pure.

Nothing that a sender wrote raises an exception. Each parser runs inside `_Reading._guarded`. If it raises,
the reader gets a note and the undecoded octets of the part. A note also tells what was read leniently. The
choice of texts is that of Thunderbird and mailparser: all texts in order, but only the plain text of a
multipart/alternative, or its HTML if the plain text is blank.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from receiver import charsets, headers
from receiver.content import mime, notes, plain
from receiver.content.message import Attachment, Content, Inside, Leaf
from receiver.content.mime import Buffer, Part

MAX_TEXT = 2_097_152  # octets of all texts of a message together, before decoding
MAX_HTML = 1_048_576  # characters of one HTML document
_MAX_NOTES = 20
_MAX_MESSAGES = 50  # messages inside a message, at all depths together
_MAX_DOCUMENTS = 20  # HTML documents that are laid out, because each takes a process of its own
_MAX_DEPTH = 5  # messages inside messages
_FIELDS = ("From", "To", "Cc", "Date", "Subject")
_TEXTS = {"text/plain", "text/html", "message/delivery-status", "message/global-delivery-status"}
_DELIMITER = re.compile(r"^--\S{1,70}[ \t]*(?:\n|\Z)", re.MULTILINE)


@dataclass
class _Shared:
    """The limits, links and notes that a message and the messages inside it share."""

    left: int = MAX_TEXT
    messages: int = _MAX_MESSAGES
    documents: int = _MAX_DOCUMENTS
    links: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        if text not in self.notes and len(self.notes) < _MAX_NOTES:
            self.notes.append(text)


def read(message: Buffer) -> Content:
    """Read the content of a message. Never raises because of what a sender wrote."""
    shared = _Shared()
    try:
        reading = _Reading(message, mime.parse(message), shared)
        return reading.content()
    except Exception as error:  # This is a fault of ours, but the user still gets the mail.
        shared.note(f"the message could not be parsed ({_describe(error)}) and is shown undecoded")
        return Content(_as_it_stands(message, 0), (), (), (), (), tuple(shared.notes))


class _Reading:
    """Reads one message: chooses the parts to show, and renders them."""

    def __init__(self, message: Buffer, root: Part, shared: _Shared, depth: int = 0) -> None:
        self._message, self._root, self._shared, self._depth = message, root, shared, depth
        self._texts: dict[int, str] = {}  # by the part's id
        self._attachments: list[Attachment] = []
        self._inside: list[Inside] = []

    def content(self) -> Content:
        if self._root.is_cut:
            self._shared.note("it has too many parts, and the last ones were not read")
        units = list(_units(self._root))
        chosen = {id(part) for part in self._choose(self._root)}
        if not any(self._text(part).strip() for part in units if id(part) in chosen and not part.is_message):
            chosen |= {
                id(part) for part in units if part.content_type.startswith("text/") and not _is_file(part)
            }
            if _is_file(self._root) and self._root.content_type.startswith("text/"):
                chosen.add(id(self._root))
        pieces = []
        for part in units:
            inside = self._guarded_message(part) if part.is_message else None
            if inside is not None:
                pieces.append(inside)
                continue
            if id(part) in chosen and not part.is_message:
                pieces.append(self._text(part))
            if part.is_message or not _is_text(part):
                self._attachments.append(Attachment(part.filename, part.content_type, part.end - part.start))
            self._add_notes(part)
        return Content(
            _together(pieces),
            tuple(self._shared.links),
            tuple(self._attachments),
            tuple(
                Leaf(part.filename, part.content_type, part.end - part.start, id(part) in chosen)
                for part in units
            ),
            tuple(self._inside),
            tuple(self._shared.notes),
        )

    def _choose(self, part: Part) -> list[Part]:
        """Choose the texts, and the messages inside, that the reader gets of a part. They stay in order."""
        if part.is_message or not part.children:
            return [part] if part.is_message or _is_text(part) else []
        below = [(child, self._choose(child)) for child in part.children]
        if part.content_type != "multipart/alternative":
            return [each for _, texts in below for each in texts]
        for kind in ("text/plain", "text/html", ""):
            chosen = [
                texts
                for child, texts in below
                if any(kind in ("", each.content_type) and self._text(each).strip() for each in texts)
            ]
            if chosen:  # Two plain texts are two texts, not two forms of one text.
                return [each for texts in (chosen if kind == "text/plain" else chosen[:1]) for each in texts]
        return []

    def _text(self, part: Part) -> str:
        if id(part) not in self._texts:
            limit, size = self._shared.left, part.end - part.start
            if size > limit:
                self._shared.note(f"its text is longer than {MAX_TEXT >> 20} MiB, and the rest is not shown")
            self._shared.left -= min(size, limit)
            self._texts[id(part)] = self._guarded(part, lambda: self._rendered(part, limit))
        return self._texts[id(part)]

    def _rendered(self, part: Part, limit: int) -> str:
        octets = plain.octets(self._message, part, limit)
        label = plain.charset(part, octets)
        if label and not charsets.is_known(label) and not charsets.is_no_charset(label):
            self._shared.note(f"charset {label[:40]} is unknown, so another one was guessed")
        if part.content_type not in ("text/html", "text/x-amp-html"):
            text = plain.text(part, octets)
            return text if part.content_type.startswith("text/") else _without_delimiters(text)
        from receiver.content import html  # late, because most mail has a plain text

        document = charsets.decode(octets, label)
        if len(document) > MAX_HTML:
            self._shared.note(f"its HTML is longer than {MAX_HTML >> 20} MiB, and the rest is not shown")
        self._shared.documents -= 1
        first, lays_out = len(self._shared.links) + 1, self._shared.documents >= 0
        rendered = html.render(document[:MAX_HTML], first, lays_out=lays_out)
        self._shared.links += rendered.links
        if rendered.note:
            self._shared.note(rendered.note)
        return rendered.text

    def _guarded(self, part: Part, work: Callable[[], str]) -> str:
        """What `work` returns. If it raises, the undecoded octets of the part, and a note."""
        try:
            return work()
        except Exception as error:
            self._shared.note(f"a part of type {part.content_type} could not be read ({_describe(error)})")
            return _as_it_stands(self._message, part.start, part.end)

    def _guarded_message(self, part: Part) -> str | None:
        """The text of a message inside. None if it is listed as a file, also because reading it raised."""
        try:
            return self._message_inside(part)
        except Exception as error:
            self._shared.note(
                f"a message inside could not be read ({_describe(error)}) and is listed as a file"
            )
            return None

    def _message_inside(self, part: Part) -> str | None:
        """Read a message inside. Returns its text, or None if the message is listed as a file."""
        if self._shared.messages <= 0 or self._depth >= _MAX_DEPTH:
            return None
        self._shared.messages -= 1
        message, root = self._message, part.children[0] if part.children else None
        if root is None:
            if part.is_unencoded:
                return None
            message = plain.octets(message, part, self._shared.left)
            root = mime.parse(message)
        content = _Reading(message, root, self._shared, self._depth + 1).content()
        fields = {
            name: text for name in _FIELDS if (text := root.fields.text(name.lower())[: headers.LONGEST])
        }
        # The message that a delivery report returns is not text of the report.
        returned = part.within == "multipart/report" and part.disposition != "inline"
        as_file = returned or _is_file(part) or not root.has_fields
        self._inside.append(Inside(fields, content, as_file))
        if as_file:
            return None
        self._attachments += content.attachments
        head = "".join(f"{name}: {' '.join(text.split())}\n" for name, text in fields.items())
        return f"-------- Message inside --------\n{head}\n{content.text}"

    def _add_notes(self, part: Part) -> None:
        """Add the notes on a part, and list the uuencoded files in its text as attachments."""
        text = self._texts.get(id(part), "")
        for note in notes.on_part(part, text):
            self._shared.note(note)
        if "\nbegin " in f"\n{text}":
            files = [
                Attachment(name, "application/octet-stream", size) for name, size in plain.uuencoded(text)
            ]
            self._attachments += files


def _units(part: Part) -> Iterator[Part]:
    """The leaves of a message in order. A message inside counts as one leaf."""
    if part.is_message or not part.children:
        yield part
        return
    for child in part.children:
        yield from _units(child)


def _is_file(part: Part) -> bool:
    return part.disposition == "attachment"


def _is_text(part: Part) -> bool:
    """Whether a part is text of the message and not a file. A text with a file name is still text."""
    kind = part.content_type
    is_text = kind in _TEXTS or (kind.startswith("multipart/") and not part.children)
    return is_text and not _is_file(part)


def _without_delimiters(text: str) -> str:
    """The text of a multipart that has no parts, without its boundary lines."""
    return _DELIMITER.sub("", text)


def _together(pieces: Sequence[str]) -> str:
    """The texts one after the other, with a blank line between them."""
    pieces = [piece for piece in pieces if piece.strip()] or pieces[:1]
    between = [piece if piece.endswith("\n") else piece + "\n" for piece in pieces[:-1]]
    return "\n".join([*between, *pieces[-1:]])


def _as_it_stands(message: Buffer, start: int, end: int = MAX_TEXT) -> str:
    return bytes(message[start : min(end, start + MAX_TEXT)]).decode("utf-8", "replace").replace("\r\n", "\n")


def _describe(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error)[:100]}"
