"""What a message holds, as values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Attachment:
    """What is listed, and never opened."""

    name: str
    type: str
    encoded_size: int


@dataclass(frozen=True, slots=True)
class Leaf:
    """A part that holds no other parts, and whether its text is in the message's text."""

    name: str
    type: str
    encoded_size: int
    shown: bool


@dataclass(frozen=True, slots=True)
class Inside:
    """A message in a message: its header fields by name, and what it holds."""

    fields: dict[str, str]
    content: Content
    attached: bool  # as a file: then its text is not in the text of the message around it


@dataclass(frozen=True, slots=True)
class Content:
    """Texts are decoded, with LF line ends, and not yet fit for a terminal (see `terminal.plain_lines`)."""

    text: str
    links: tuple[str, ...]  # `[n]` in the text stands for links[n - 1]
    attachments: tuple[Attachment, ...]
    leaves: tuple[Leaf, ...]
    inside: tuple[Inside, ...]
    notes: tuple[str, ...]
