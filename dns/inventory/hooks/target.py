"""What a hook tells: the checks of its URL, and of its command. Each returns the problem, or nothing."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from urllib.parse import SplitResult, urlsplit

from dns.names import shortened
from services.hooks.url import addresses

LONGEST_URL = 2000  # characters
# What may stand in a URL (RFC 3986), without what a log or a terminal would show in another way.
_URL = re.compile(r"https?://[A-Za-z0-9._~:/?\[\]@!$&'()*+,;=%#-]+")
_USER = re.compile(r"[a-z_][a-z0-9_-]{0,30}")
_EXAMPLE_URL, _EXAMPLE_COMMAND = "https://app.example.com/mail", '["/usr/local/bin/sort-it", "arg"]'


def url_problem(value: object, variable: str, *, allow_private: bool) -> str:
    """Why this cannot be the URL of a hook. `variable` hands over the user and the password for it."""
    if not isinstance(value, str) or len(value) > LONGEST_URL or not _URL.fullmatch(value):
        return f"url must be an address such as {_EXAMPLE_URL}, in ASCII, not {shortened(value)}"
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        return f"url {shortened(value)} is no address ({error}): write one such as {_EXAMPLE_URL}"
    if parts.username is not None or parts.password is not None:
        return (
            "url holds a user or a password, and secrets do not belong into the inventory: take them out, "
            f"and hand them over as {variable}=user:password in the environment of the deploy"
        )
    if not host:
        return f"url {shortened(value)} has no host: write one such as {_EXAMPLE_URL}"
    if parts.fragment or value.endswith("#"):
        return f"url {shortened(value)} has a fragment, which is never sent: take out what begins with #"
    if _is_refused(host, allow_private=True):
        return f"url leads to {host}, where no hook may post, also with allow_private: name another address"
    if allow_private:
        return ""
    if parts.scheme != "https":
        return (
            f"url {shortened(value)} is not https://, and would send mail in clear text: use https://, or, "
            "if it stays in your own network, add allow_private=True"
        )
    if _is_private(host):
        return (
            f"url leads to {host}, which is not a public address: name a public one, or add "
            "allow_private=True if this is what you want"
        )
    return ""


def _is_refused(host: str, *, allow_private: bool) -> bool:
    """Whether the host is an address that the hook's program will refuse. A name is none."""
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return addresses.refusal(host, allow_private=allow_private) is not None


def _is_private(host: str) -> bool:
    """Whether the host is an address, or a name, that never leads into the open network."""
    names = host == "localhost" or host.endswith((".localhost", ".local", ".internal"))
    return names or _is_refused(host, allow_private=False)


def without_query(url: str) -> str:
    """The URL for people: what it asks for may be a secret, and is left out."""
    parts: SplitResult = urlsplit(url)
    return parts._replace(query="…" if parts.query else "").geturl()


def command_problems(value: object, user: object) -> Iterator[str]:
    """Why this cannot be the command of a hook, or the user that runs it."""
    words = list(value) if isinstance(value, list | tuple) else []
    if not words or not all(isinstance(word, str) and word.isprintable() for word in words):
        yield f"command must be a list such as {_EXAMPLE_COMMAND}, because no shell reads it, not {value!r}"
    elif not words[0].startswith("/") or ".." in PurePosixPath(words[0]).parts or words[0].endswith("/"):
        yield f"command begins with {words[0]!r}: give the program's absolute path, as {_EXAMPLE_COMMAND}"
    if user is None:
        return
    if not isinstance(user, str) or not _USER.fullmatch(user):
        yield f'user must be the name of a user of the host such as "sorter", not {user!r}'
    elif user == "root":
        yield "user root: what strangers send would be read with all rights: make a user for this"
    elif user == "letterbox" or user.startswith("letterbox-"):
        yield f"user {user} is one of the deploy's own: make another for this, or leave it out"
