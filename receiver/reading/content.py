"""What a message holds, for its reader: its text, its links, what is attached, and the messages inside it.

Pure, and never raises for what a sender wrote: every parser runs behind `_Reading._guarded`, which turns an
exception into a note and the part into its octets as they stand. What is read leniently is said in a note.
Which texts are shown is what Thunderbird and mailparser do: all of them in order, but of a
multipart/alternative the plain one, or the HTML where that is blank.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from receiver import charsets, headers
from receiver.reading import mime, plain
from receiver.reading.message import Attachment, Content, Inside, Leaf
from receiver.reading.mime import Buffer, Part

MAX_TEXT = 2_097_152  # octets, as encoded, of all texts that are shown of a message
MAX_HTML = 1_048_576  # characters of one HTML document
_MAX_NOTES = 20
_MAX_MESSAGES = 50  # inside, all in all
_MAX_DOCUMENTS = 20  # of HTML that are laid out: each takes a process of its own
_MAX_DEPTH = 5  # of messages in messages
_FIELDS = ("From", "To", "Cc", "Date", "Subject")
_TEXTS = {"text/plain", "text/html", "message/delivery-status", "message/global-delivery-status"}
_ENCODINGS = {"", "7bit", "8bit", "binary", "base64", "quotedprintable", "uuencode"}
_DELIMITER = re.compile(r"^--\S{1,70}[ \t]*(?:\n|\Z)", re.MULTILINE)
_SEALED = {
    "application/pgp-encrypted": "encrypted with PGP, it cannot be read here",
    "application/pgp-signature": "signed with PGP, which is not checked here",
    "application/pkcs7-signature": "signed with S/MIME, which is not checked here",
    "application/x-pkcs7-signature": "signed with S/MIME, which is not checked here",
    "application/pkcs7-mime": "an S/MIME message (encrypted, or signed in a way that hides the text)",
    "application/x-pkcs7-mime": "an S/MIME message (encrypted, or signed in a way that hides the text)",
    "application/ms-tnef": "in Outlook's own format (winmail.dat), which may hold the text and the files",
    "message/partial": "one piece of a message that was sent in several",
    "message/external-body": "only the address of content that is kept elsewhere",
}


@dataclass
class _Shared:
    """What a message shares with those inside it: how much may still be shown, and what is to be said."""

    left: int = MAX_TEXT
    messages: int = _MAX_MESSAGES
    documents: int = _MAX_DOCUMENTS
    links: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        if text not in self.notes and len(self.notes) < _MAX_NOTES:
            self.notes.append(text)


def read(message: Buffer) -> Content:
    """What the message holds. Raises nothing for what a sender wrote."""
    shared = _Shared()
    try:
        reading = _Reading(message, mime.parse(message), shared)
        return reading.content()
    except Exception as error:  # a fault of ours: the mail is shown all the same
        shared.note(f"the message could not be taken apart ({_said(error)}): shown as it stands")
        return Content(_as_it_stands(message, 0), (), (), (), (), tuple(shared.notes))


class _Reading:
    """The reading of one message: which of its parts are shown, and as what."""

    def __init__(self, message: Buffer, root: Part, shared: _Shared, depth: int = 0) -> None:
        self._message, self._root, self._shared, self._depth = message, root, shared, depth
        self._texts: dict[int, str] = {}  # by the part's id
        self._attachments: list[Attachment] = []
        self._inside: list[Inside] = []

    def content(self) -> Content:
        if self._root.is_cut:
            self._shared.note("it has too many parts: those at its end are not looked at")
        units = list(_units(self._root))
        shown = {id(part) for part in self._shown(self._root)}
        if not any(self._text(part).strip() for part in units if id(part) in shown and not part.is_message):
            shown |= {
                id(part) for part in units if part.content_type.startswith("text/") and not _is_file(part)
            }
            if _is_file(self._root) and self._root.content_type.startswith("text/"):
                shown.add(id(self._root))
        pieces = []
        for part in units:
            inside = self._guarded_message(part) if part.is_message else None
            if inside is not None:
                pieces.append(inside)
                continue
            if id(part) in shown and not part.is_message:
                pieces.append(self._text(part))
            if part.is_message or not _is_text(part):
                self._attachments.append(Attachment(part.filename, part.content_type, part.end - part.start))
            self._say(part)
        return Content(
            _together(pieces),
            tuple(self._shared.links),
            tuple(self._attachments),
            tuple(
                Leaf(part.filename, part.content_type, part.end - part.start, id(part) in shown)
                for part in units
            ),
            tuple(self._inside),
            tuple(self._shared.notes),
        )

    def _shown(self, part: Part) -> list[Part]:
        """The texts, and the messages inside, that are shown of a part; in order."""
        if part.is_message or not part.children:
            return [part] if part.is_message or _is_text(part) else []
        below = [(child, self._shown(child)) for child in part.children]
        if part.content_type != "multipart/alternative":
            return [each for _, texts in below for each in texts]
        for kind in ("text/plain", "text/html", ""):
            chosen = [
                texts
                for child, texts in below
                if any(kind in ("", each.content_type) and self._text(each).strip() for each in texts)
            ]
            if chosen:  # two that are plain are two texts, and no choice between forms of one
                return [each for texts in (chosen if kind == "text/plain" else chosen[:1]) for each in texts]
        return []

    def _text(self, part: Part) -> str:
        if id(part) not in self._texts:
            limit, size = self._shared.left, part.end - part.start
            if size > limit:
                self._shared.note(f"its text is longer than {MAX_TEXT >> 20} MiB: the rest is not shown")
            self._shared.left -= min(size, limit)
            self._texts[id(part)] = self._guarded(part, lambda: self._rendered(part, limit))
        return self._texts[id(part)]

    def _rendered(self, part: Part, limit: int) -> str:
        octets = plain.octets(self._message, part, limit)
        label = plain.charset(part, octets)
        if label and not charsets.is_known(label) and not charsets.is_no_charset(label):
            self._shared.note(f"charset {label[:40]}: no such charset is known, it is read by its looks")
        if part.content_type not in ("text/html", "text/x-amp-html"):
            text = plain.text(part, octets)
            return text if part.content_type.startswith("text/") else _without_delimiters(text)
        from receiver.reading import html  # late: most mail has a plain text

        document = charsets.decode(octets, label)
        if len(document) > MAX_HTML:
            self._shared.note(f"its HTML is longer than {MAX_HTML >> 20} MiB: the rest is not shown")
        self._shared.documents -= 1
        first, lays_out = len(self._shared.links) + 1, self._shared.documents >= 0
        rendered = html.render(document[:MAX_HTML], first, lays_out=lays_out)
        self._shared.links += rendered.links
        if rendered.note:
            self._shared.note(rendered.note)
        return rendered.text

    def _guarded(self, part: Part, work: Callable[[], str]) -> str:
        """The one guard: a parser that raises costs its part the form, not the reader the message."""
        try:
            return work()
        except Exception as error:
            self._shared.note(f"a part of type {part.content_type} could not be read ({_said(error)})")
            return _as_it_stands(self._message, part.start, part.end)

    def _guarded_message(self, part: Part) -> str | None:
        """The same guard for a message inside: then it is listed as a file."""
        try:
            return self._message_inside(part)
        except Exception as error:
            self._shared.note(f"a message inside could not be read ({_said(error)}): listed as a file")
            return None

    def _message_inside(self, part: Part) -> str | None:
        """The text of a message inside, None where it is listed as a file; either way it is read too."""
        if self._shared.messages <= 0 or self._depth >= _MAX_DEPTH:
            return None
        self._shared.messages -= 1
        message, root = self._message, part.children[0] if part.children else None
        if root is None:
            if part.is_as_it_is:
                return None
            message = plain.octets(message, part, self._shared.left)
            root = mime.parse(message)
        content = _Reading(message, root, self._shared, self._depth + 1).content()
        fields = {
            name: text for name in _FIELDS if (text := root.fields.text(name.lower())[: headers.LONGEST])
        }
        # What a delivery report returns is evidence, and no text of the report; nor is what has no header.
        evidence = part.within == "multipart/report" and part.disposition != "inline"
        apart = evidence or _is_file(part) or not root.has_fields
        self._inside.append(Inside(fields, content, apart))
        if apart:
            return None
        self._attachments += content.attachments
        head = "".join(f"{name}: {' '.join(text.split())}\n" for name, text in fields.items())
        return f"-------- Message inside --------\n{head}\n{content.text}"

    def _say(self, part: Part) -> None:
        """Notes on what is hidden in a part, or was read leniently."""
        kind, text = part.content_type, self._texts.get(id(part), "")
        if kind in _SEALED:
            self._shared.note(f"{kind}: {_SEALED[kind]}")
        if kind.startswith("multipart/"):
            self._shared.note(f"{kind} without a boundary that is there: shown as one text")
        if part.encoding not in _ENCODINGS:
            self._shared.note(f"transfer encoding {part.encoding[:40]}: not known, shown as it stands")
        if "-----BEGIN PGP MESSAGE-----" in text:
            self._shared.note("a text is encrypted with PGP: it cannot be read here")
        if "\nbegin " in f"\n{text}":
            files = [
                Attachment(name, "application/octet-stream", size) for name, size in plain.uuencoded(text)
            ]
            self._attachments += files


def _units(part: Part) -> Iterator[Part]:
    """The leaves of a message in order, with the messages inside as one each."""
    if part.is_message or not part.children:
        yield part
        return
    for child in part.children:
        yield from _units(child)


def _is_file(part: Part) -> bool:
    return part.disposition == "attachment"


def _is_text(part: Part) -> bool:
    """Whether it is text of the message rather than a file: a name alone makes no file of it."""
    kind = part.content_type
    is_text = kind in _TEXTS or (kind.startswith("multipart/") and not part.children)
    return is_text and not _is_file(part)


def _without_delimiters(text: str) -> str:
    """The body of a multipart without parts: a line that only begins or ends one says nothing."""
    return _DELIMITER.sub("", text)


def _together(pieces: Sequence[str]) -> str:
    """Texts one after the other, with a blank line between."""
    pieces = [piece for piece in pieces if piece.strip()] or pieces[:1]
    between = [piece if piece.endswith("\n") else piece + "\n" for piece in pieces[:-1]]
    return "\n".join([*between, *pieces[-1:]])


def _as_it_stands(message: Buffer, start: int, end: int = MAX_TEXT) -> str:
    return bytes(message[start : min(end, start + MAX_TEXT)]).decode("utf-8", "replace").replace("\r\n", "\n")


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error)[:100]}"
