"""The configuration of the bucket, `/etc/letterbox/bucket.toml`, as values.

    urls = ["https://ACCOUNT.r2.cloudflarestorage.com/mail"]  # gateways of one store, tried in turn
    region = "auto"
    allow_http = false                                        # whether a URL may be http

The path of a URL is the bucket, and perhaps a prefix of all keys behind it.
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
from services.bucket.errors import BucketError

REGION = "auto"
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,254}")
_PREFIX = re.compile(r"[A-Za-z0-9._=@+-]+(?:/[A-Za-z0-9._=@+-]+)*")
# A name as a resolver takes it, or an address.
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*")
_REGION = re.compile(r"[A-Za-z0-9-]{1,64}")
_LONGEST_PREFIX = 256  # octets, so that the keys of all mailboxes fit below it


@dataclass(frozen=True, slots=True)
class Url:
    """Where a bucket is: `endpoint` is like `https://HOST:PORT`. `prefix` is empty, or ends in `/`."""

    endpoint: str
    host: str
    port: int
    bucket: str
    prefix: str = ""

    @property
    def is_encrypted(self) -> bool:
        return self.endpoint.startswith("https:")

    def __str__(self) -> str:
        return f"{self.endpoint}/{self.bucket}/{self.prefix}".removesuffix("/")


@dataclass(frozen=True, slots=True)
class Configuration:
    """The URLs of one bucket, at one or more gateways, and the region of the signatures."""

    urls: tuple[Url, ...]
    region: str = REGION


def load(path: Path) -> Configuration:
    """The configuration in a file. Raises BucketError, whose problems begin with the name of the file."""
    try:
        table = tomllib.loads(path.read_bytes().decode("utf-8"))
    except OSError as error:
        raise BucketError(f"{path}: cannot be read: {error.strerror}: deploy again") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BucketError(f"{path}: is not TOML: {error}: deploy again") from None
    try:
        return parse(table)
    except BucketError as error:
        raise BucketError(*(f"{path}: {problem}" for problem in error.problems)) from None


def parse(table: Mapping[str, Any]) -> Configuration:
    """The configuration of a parsed TOML file. Raises BucketError with every problem, as `key: reason`."""
    reader = Reader()
    top = reader.table(table, "", {"urls", "region", "allow_http"})
    texts = reader.strings(top, "", "urls")
    region = reader.value(top, "", "region", str)
    allow_http = reader.value(top, "", "allow_http", bool) or False
    if not texts and not reader.problems:
        reader.complain("urls", "must name at least one bucket, such as https://HOST/BUCKET")
    if region is not None and not _REGION.fullmatch(region):
        reader.complain("region", f"must be letters, digits and hyphens, not {region!r}")
    urls = []
    for text in texts:
        try:
            urls.append(parse_url(text, allow_http=allow_http))
        except ValueError as error:
            reader.complain("urls", str(error))
    if len({(each.bucket, each.prefix) for each in urls}) > 1:
        reader.complain("urls", "must be gateways of one store: all with the same bucket and prefix")
    if reader.problems:
        raise BucketError(*reader.problems)
    return Configuration(tuple(urls), region or REGION)


def parse_url(text: str, *, allow_http: bool = False) -> Url:
    """Where the bucket of a URL is. Raises ValueError with the reason, without what may be a password."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError("is not a URL: its host or port is malformed") from None
    if "@" in parts.netloc:
        raise ValueError("a URL must not hold a key: give it to the deploy as AWS_ACCESS_KEY_ID")
    if parts.scheme not in ({"https", "http"} if allow_http else {"https"}):
        raise ValueError(f"{text!r} must begin with https://, so that nobody reads the mail on its way")
    host = parts.hostname or ""
    if not _HOST.fullmatch(host) or len(host) > 253 or port == 0:
        raise ValueError(f"{text!r} is not a URL: its host or port is malformed")
    if parts.query or parts.fragment or "?" in text or "#" in text:
        raise ValueError(f"{text!r} must not have ? or #")
    bucket, _, prefix = parts.path.strip("/").partition("/")
    if not _BUCKET.fullmatch(bucket):
        raise ValueError(f"{text!r} must name a bucket, such as https://{host}/mail")
    if prefix and (not _PREFIX.fullmatch(prefix) or {".", ".."} & set(prefix.split("/"))):
        raise ValueError(f"{text!r}: the prefix must be letters, digits and ._=@+- between single slashes")
    if len(prefix) > _LONGEST_PREFIX:
        raise ValueError(f"{text!r}: the prefix must be no longer than {_LONGEST_PREFIX} characters")
    authority = f"[{host}]" if ":" in host else host
    number = port or (443 if parts.scheme == "https" else 80)
    endpoint = f"{parts.scheme}://{authority}" + (f":{port}" if port else "")
    return Url(endpoint, host, number, bucket, f"{prefix}/" if prefix else "")
