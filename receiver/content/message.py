"""The content of a message, as values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file in a message. It is listed and never opened."""

    name: str
    type: str
    encoded_size: int


@dataclass(frozen=True, slots=True)
class Leaf:
    """A part without parts below it. `shown` is whether its text is in the text of the message."""

    name: str
    type: str
    encoded_size: int
    shown: bool


@dataclass(frozen=True, slots=True)
class Inside:
    """A message inside a message: its header fields by name, and its content."""

    fields: dict[str, str]
    content: Content
    attached: bool  # whether it is a file, so that its text is not in the text of the outer message


@dataclass(frozen=True, slots=True)
class Content:
    """The content of a message. Texts have LF line ends, but are not safe for a terminal.

    `terminal.plain_lines` makes them safe.
    """

    text: str
    links: tuple[str, ...]  # `[n]` in the text stands for links[n - 1]
    attachments: tuple[Attachment, ...]
    leaves: tuple[Leaf, ...]
    inside: tuple[Inside, ...]
    notes: tuple[str, ...]
