"""The keys of a mail host for DANE: those on its disk, and the one that it serves. Pure.

COMMAND is a script of sh(1) for the host, which becomes root and needs openssl. It reads the certificate
requests, and does STARTTLS over loopback. No private key is opened.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import dataclass

from dns import tlsa
from dns.inventory.host_shell import as_root

FOLDER = "/etc/letterbox/tls"
PLACES = ("127.0.0.1:25", "[::1]:25")


def script(folder: str = FOLDER, places: Iterable[str] = PLACES) -> str:
    """The shell script that prints `keys`, then lines such as `current DIGEST`, `next …` and `served …`."""
    # What is read is kept in a variable first: the digest of what a failed command left is that of nothing.
    return f"""\
digest() {{
  key=$(openssl pkey -pubin 2>/dev/null) && [ -n "$key" ] &&
  echo "$1 $(echo "$key" | openssl pkey -pubin -outform DER | sha256sum | cut -d' ' -f1)"
}}
echo keys
for name in current next; do
  openssl req -in {folder}/$name/request.pem -noout -pubkey 2>/dev/null | digest $name
done
for place in {" ".join(f"'{place}'" for place in places)}; do
  timeout 10 openssl s_client -starttls smtp -connect $place </dev/null 2>/dev/null |
    openssl x509 -noout -pubkey 2>/dev/null | digest served
done
true"""


COMMAND = as_root(f"sh -c {shlex.quote(script())}")


@dataclass(frozen=True, slots=True)
class HostKeys:
    """The digests of a host's keys, as TLSA records name them.

    `current` and `next` are empty if the host has no such key. `served` are those that port 25 serves on its
    loopback addresses. It is empty if nothing answers there.
    """

    current: str = ""
    next: str = ""
    served: frozenset[str] = frozenset()
    unread: str = ""
    """Why the host could not be asked, or what it answered that cannot be. Then nothing else is known."""

    @property
    def published(self) -> tuple[str, ...]:
        """What is to be published for the host: its current key, and its next one if there is one."""
        return tuple(dict.fromkeys(filter(None, (self.current, self.next))))


def parse_keys(lines: Iterable[str]) -> HostKeys:
    """Read what COMMAND printed on the host. Text before its first line, such as a banner, does not count."""
    found: dict[str, list[str]] = {}
    begun = False
    for line in lines:
        word, _, digest = line.strip().partition(" ")
        begun = begun or line.strip() == "keys"
        if begun and digest:
            if problem := tlsa.problem_with(digest):
                return HostKeys(unread=f"its {word} key cannot be read: {problem}")
            found.setdefault(word, []).append(digest)
    if not begun:
        return HostKeys(unread="it printed something else than its keys")
    return HostKeys(
        next(iter(found.get("current", ())), ""),
        next(iter(found.get("next", ())), ""),
        frozenset(found.get("served", ())),
    )
