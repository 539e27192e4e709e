"""The configuration of a hook, `/etc/letterbox/hooks/NAME.toml`, as values.

It names a URL or a command:

    url = "https://app.example.com/mail"    # or: command = ["/usr/local/bin/sort-it", "ARGUMENT"]
    form = "json"                           # or "raw": the message as it is (message/rfc822)
    allow_private = false                   # whether the URL may lead to a private address, or be http
    max_raw = 262144                        # octets of the raw message that the JSON may carry
    mailboxes = ["alice@example.com"]       # all that the hook gets, also those of its domains
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from receiver.config.tables import Reader
from services.hooks.errors import HookError

FORMS = ("json", "raw")
MAX_RAW = 262_144  # octets
_MOST_RAW = 33_554_432  # octets
_PORTS = {"https": 443, "http": 80}
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?\.?|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*")
_PATH = re.compile(r"[!-~]*")  # visible US-ASCII


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a URL leads. `host` has no brackets. `path` is the path with the query, as in the request."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """The value of the Host field (RFC 9110 section 7.2)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        """For logs and errors, so without the path and the query, which may hold a secret."""
        return f"{self.scheme}://{self.authority}"


@dataclass(frozen=True, slots=True)
class Url:
    """A hook that posts each message to a URL."""

    endpoint: Endpoint
    form: str = "json"
    allow_private: bool = False
    max_raw: int = MAX_RAW
    mailboxes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Command:
    """A hook that runs a command for each message. `words` are the command and its arguments."""

    words: tuple[str, ...]
    mailboxes: tuple[str, ...] = ()


def load(path: Path) -> Url | Command:
    """The configuration in a file. Raises HookError, whose problems begin with the name of the file."""
    try:
        table = tomllib.loads(path.read_bytes().decode("utf-8"))
    except OSError as error:
        raise HookError(f"{path}: cannot be read: {error.strerror}: deploy again") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise HookError(f"{path}: is not TOML: {error}") from None
    try:
        return parse(table)
    except HookError as error:
        raise HookError(*(f"{path}: {problem}" for problem in error.problems)) from None


def parse(table: Mapping[str, Any]) -> Url | Command:
    """The configuration of a parsed TOML file. Raises HookError with every problem, as `key: reason`."""
    reader = Reader()
    top = reader.table(table, "", {"url", "command", "form", "allow_private", "max_raw", "mailboxes"})
    if ("url" in top) is ("command" in top):
        reader.complain("url", "name either a url or a command, and not both")
    command = reader.strings(top, "", "command")
    url = reader.value(top, "", "url", str)
    form = reader.value(top, "", "form", str)
    private = reader.value(top, "", "allow_private", bool) or False
    most = reader.value(top, "", "max_raw", int)
    mailboxes = reader.strings(top, "", "mailboxes")
    if form is not None and form not in FORMS:
        reader.complain("form", f"must be {' or '.join(FORMS)}, not {form!r}")
    if most is not None and not 0 <= most <= _MOST_RAW:
        reader.complain("max_raw", f"must be from 0 to {_MOST_RAW}, not {most}")
    for each in mailboxes:
        if not all(each.rpartition("@")[::2]):
            reader.complain("mailboxes", f"{each!r} is not of the form mailbox@domain")
    if "command" in top:
        _check_command(reader, command)
    endpoint = None
    if url is not None:
        try:
            endpoint = parse_url(url, allow_http=private)
        except ValueError as error:
            reader.complain("url", str(error))
    if reader.problems:
        raise HookError(*reader.problems)
    if endpoint is None:
        return Command(command, mailboxes)
    return Url(endpoint, form or FORMS[0], private, MAX_RAW if most is None else most, mailboxes)


def parse_url(text: str, *, allow_http: bool) -> Endpoint:
    """Where a URL leads. Raises ValueError with the reason, without the URL, which may be secret."""
    if not _PATH.fullmatch(text) or "\\" in text:
        raise ValueError("must be visible US-ASCII without backslashes: write the host in its form xn--…")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError("is not a URL: its host or port is malformed") from None
    if parts.scheme not in _PORTS:
        raise ValueError("must begin with https://")
    if parts.scheme == "http" and not allow_http:
        raise ValueError(
            "must begin with https://, because http lets others read the mail (see allow_private)"
        )
    if "@" in parts.netloc:
        raise ValueError("must not hold a password: give it as LETTERBOX_HOOK_BASIC_NAME to the deploy")
    if "#" in text:
        raise ValueError("must not have a fragment (#…)")
    host = parts.hostname or ""
    if not _HOST.fullmatch(host) or len(host) > 253:
        raise ValueError("is not a URL: its host is malformed")
    if port == 0:
        raise ValueError("is not a URL: port 0 is none")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Endpoint(parts.scheme, host, port or _PORTS[parts.scheme], path)


def _check_command(reader: Reader, words: tuple[str, ...]) -> None:
    if not words:
        reader.complain("command", "names no program: it needs a list of at least one word")
    elif not words[0].startswith("/"):
        reader.complain("command", f"{words[0]!r} must be an absolute path, because no shell looks for it")
    if any("\0" in word for word in words):
        reader.complain("command", "must not hold NUL")
