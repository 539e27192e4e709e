"""What the DNS needs to know of a mail host's keys: those on its disk, what it serves, and its account. Pure.

COMMAND is a script of sh(1) for the host, which becomes root and needs openssl. It reads the certificate
requests and the state of the renewal, and does STARTTLS over loopback. No private key is opened.
"""

from __future__ import annotations

import base64
import shlex
from collections.abc import Iterable
from dataclasses import dataclass

from dns import tlsa
from dns.inventory import host_account
from dns.inventory.host_shell import as_root

FOLDER = "/etc/letterbox/tls"
PLACES = ("127.0.0.1:25", "[::1]:25")
_BEGIN = "-----BEGIN CERTIFICATE-----"


def script(folder: str = FOLDER, places: Iterable[str] = PLACES, state: str = host_account.STATE) -> str:
    """The shell script that prints `keys`, then lines such as `current DIGEST`, `next …` and `served …`.

    After `chain` come the certificates in PEM that a place serves. `state` has what the renewal keeps, in
    base64.
    """
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
[ -r {state} ] && echo "state $(head -c {host_account.LONGEST} {state} | base64 | tr -d '\\n')"
for place in {" ".join(f"'{place}'" for place in places)}; do
  chain=$(timeout 10 openssl s_client -starttls smtp -showcerts -connect $place </dev/null 2>/dev/null |
    sed -n '/^-----BEGIN CERTIFICATE-----/,/^-----END CERTIFICATE-----/p')
  echo "$chain" | openssl x509 -noout -pubkey 2>/dev/null | digest served && printf 'chain\n%s\n' "$chain"
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
    chain: tuple[str, ...] = ()
    """The certificates that port 25 serves on loopback, the host's own first, each in DER and base64."""
    account: str = ""
    """The URI of the ACME account that renews the certificate. Empty if none is known."""
    identities: tuple[str, ...] = ()
    """The names of that account's authority in CAA records (RFC 8555, section 7.1.1)."""

    @property
    def published(self) -> tuple[str, ...]:
        """What is to be published for the host: its current key, and its next one if there is one."""
        return tuple(dict.fromkeys(filter(None, (self.current, self.next))))


def parse_keys(lines: Iterable[str], kept_here: str = "") -> HostKeys:
    """Read what COMMAND printed on the host. Text before its first line, such as a banner, does not count.

    `kept_here` is the `state.json` that this machine keeps of the host. It counts if the host has none.
    """
    found: dict[str, list[str]] = {}
    chains: list[list[str]] = []
    state = kept_here
    begun = in_pem = False
    for line in (line.strip() for line in lines):
        word, _, rest = line.partition(" ")
        begun = begun or line == "keys"
        if not begun:
            continue
        if line == "chain":
            chains.append([])
        elif line.startswith("-----") and chains:
            in_pem = line == _BEGIN
            if in_pem:
                chains[-1].append("")
        elif in_pem:
            chains[-1][-1] += line
        elif word == "state":
            state = _decoded(rest)
        elif rest:
            if problem := tlsa.problem_with(rest):
                return HostKeys(unread=f"its {word} key cannot be read: {problem}")
            found.setdefault(word, []).append(rest)
    if not begun:
        return HostKeys(unread="it printed something else than its keys")
    account = host_account.parse_state(state)
    return HostKeys(
        next(iter(found.get("current", ())), ""),
        next(iter(found.get("next", ())), ""),
        frozenset(found.get("served", ())),
        # Both addresses are of one service. If they differ, it has just got another certificate.
        chain=tuple(chains[-1]) if chains else (),
        account=account.uri,
        identities=account.identities,
    )


def _decoded(text: str) -> str:
    """The text behind base64. Empty if it is none."""
    try:
        return base64.b64decode(text, validate=True).decode(errors="replace")
    except ValueError:
        return ""
