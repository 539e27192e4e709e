"""A hook as a value."""

from __future__ import annotations

from dataclasses import dataclass

KEY = "hooks"
JSON, RAW = "json", "raw"
FORMS = (JSON, RAW)


@dataclass(frozen=True, slots=True)
class Hook:
    """Who is told of each new message in these mailboxes: a URL, or a command of the host.

    `mailboxes` are full addresses and `domains` A-labels; all mailboxes of a domain are meant. One of `url`
    and `command` is empty. `form` is what the URL gets: `json`, or `raw`, the message as it is. `user` runs
    the command; empty is a user that exists only while the command runs.
    """

    name: str
    mailboxes: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    url: str = ""
    command: tuple[str, ...] = ()
    form: str = JSON
    allow_private: bool = False
    user: str = ""

    def variable(self, kind: str) -> str:
        """The variable of the environment that hands over a secret of this kind, SECRET or BASIC."""
        return f"LETTERBOX_HOOK_{kind}_{self.name.upper().replace('-', '_')}"
