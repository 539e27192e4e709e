"""The rules by which users who are not root read their own mailbox, and the users themselves. (sudoers(5))"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping

from pyinfra.api.facts import FactBase

from dns.inventory.host_imap import WantedImap
from provision.host import layout, probe

CHECK = "visudo -cqf {}"
"""It must accept the file before it takes its place: sudo does nothing at all with a broken file."""
_HEAD = """\
# Who may read which mailbox with a mail client, besides root. The words of a command are all that it allows.
# Written by deploy.py, and the next run puts edits back.
"""


def text(wanted: WantedImap) -> str:
    """The file. Empty if root alone reads mail.

    The inventory has refused names that would have a meaning of their own here.
    """
    rules = [
        f"{user} ALL=(root) NOPASSWD: NOSETENV: {layout.COMMAND} imap {mailbox}\n"
        for mailbox, users in wanted.readers.items()
        for user in users
    ]
    return _HEAD + "".join(rules) if rules else ""


class ReaderAccounts(FactBase[dict[str, str]]):
    """What the readers need, with the path or the line of passwd(5) of each. What is missing is left out."""

    @staticmethod
    def command(users: tuple[str, ...]) -> str:
        return probe.wrapped(
            "PATH=$PATH:/usr/sbin:/sbin; for p in sudo visudo; do echo program $p $(command -v $p); done; "
            f"for u in {shlex.join(users)}; do echo user $u $(getent passwd -- $u); done"
        )

    def process(self, output: Iterable[str]) -> dict[str, str]:
        lines = (line.split(" ", 2) for line in output)
        return {words[1]: words[2] for words in lines if len(words) == 3}


def problems(wanted: WantedImap, there: Mapping[str, str]) -> Iterator[str]:
    """Why the readers could not read, with the fix: a line each. `there` is what `ReaderAccounts` found."""
    if not wanted.readers:
        return
    if not {"sudo", "visudo"} <= there.keys():
        yield "readers: they read mail by sudo, which the host lacks: install the package sudo on it"
    for user in dict.fromkeys(user for users in wanted.readers.values() for user in users):
        if user not in there:
            yield f"readers: the host has no user {user}: make it (`useradd -m {user}`), or take it out"
