"""The account at the authority that a host's certificate comes with, for CAA records.

Whoever renews the certificate keeps it in `state.json` (`services/renewal`): the host itself, or this machine
if the host has no token. A host that does not renew has no such file.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from dns.state_folder import state_folder

STATE = "/var/lib/letterbox-certificate/state.json"
"""Where a host that renews its certificate keeps it."""
LONGEST = 16384  # octets of it that are read

LETS_ENCRYPT = ("letsencrypt.org",)
_OF_LETS_ENCRYPT = re.compile(r"https://acme-(staging-)?v02\.api\.letsencrypt\.org/")
# What a URI may hold (RFC 3986, 2) without the semicolon, which ends a parameter of CAA (RFC 8659, 4.2).
_URI = re.compile(r"https://[A-Za-z0-9._~:/?#\[\]@!$&'()*+,=%-]{1,200}")
_NAME = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+")


@dataclass(frozen=True, slots=True)
class Account:
    """The URI of the ACME account, and the names of its authority in CAA records. Empty if not known."""

    uri: str = ""
    identities: tuple[str, ...] = ()


def identities_of(directory: str) -> tuple[str, ...]:
    """The names of the authority with this ACME directory, or with an account at this URI, if we know them.

    `directory` may also be a word of the inventory, such as letsencrypt.
    """
    words = ("letsencrypt", "letsencrypt-staging")
    return LETS_ENCRYPT if directory in words or _OF_LETS_ENCRYPT.match(directory) else ()


def parse_state(text: str) -> Account:
    """Read a `state.json`, also one of a release that did not keep the names of the authority yet.

    What is not of its form counts as not known: it would end up in a record.
    """
    try:
        kept = json.loads(text)
    except ValueError:
        return Account()
    if not isinstance(kept, dict):
        return Account()
    uri = kept.get("account")
    if not (isinstance(uri, str) and _URI.fullmatch(uri)):
        return Account()
    said = kept.get("identities")
    names = [name.lower() for name in said if isinstance(name, str)] if isinstance(said, list) else []
    names = [name for name in names if _NAME.fullmatch(name)]
    return Account(uri, tuple(dict.fromkeys(names)) or identities_of(uri))


def folder(hostname: str) -> Path:
    """Where this machine keeps the account and the state of a host whose certificate it renews.

    Raises RuntimeError as `state_folder` does.
    """
    return state_folder("certificates", hostname)


def kept_here(hostname: str) -> str:
    """The `state.json` that this machine keeps of a host. Empty if it keeps none that can be read."""
    try:
        with (folder(hostname) / "state.json").open("rb") as file:
            return file.read(LONGEST).decode(errors="replace")
    except (OSError, RuntimeError):
        return ""
