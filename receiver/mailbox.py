"""A mailbox: a Maildir of one user at one domain, and which names it can have. Pure."""

from __future__ import annotations

from dataclasses import dataclass

MAX_FOLDER_NAME = 255  # octets (NAME_MAX in limits.h)


@dataclass(frozen=True, slots=True)
class Mailbox:
    """The Maildir `<mail>/<domain>/<name>`. `domain` is an A-label name; both are folded (`addresses`)."""

    domain: str
    name: str

    def __str__(self) -> str:
        return f"{self.name}@{self.domain}"


def is_folder_name(name: str) -> bool:
    """Whether a local part can be the name of a mailbox's folder.

    It must be one path component that is visible and printable, and that no command takes for an option.
    """
    return (
        bool(name)
        and not name.startswith((".", "-"))
        and "/" not in name
        and name.isprintable()
        and len(name.encode("utf-8", "replace")) <= MAX_FOLDER_NAME
    )
