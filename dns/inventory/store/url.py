"""The URL of a bucket. Each check returns the problem, in one line with its fix, or nothing."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from dns.names import shortened

LONGEST_URL = 1000  # characters
EXAMPLE = "https://ACCOUNT.r2.cloudflarestorage.com/mail"
_URL = re.compile(r"https?://[A-Za-z0-9._~:/?\[\]@#%=&-]+")
# The names that S3 allows; R2 allows them without dots
# (https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html).
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_WORD = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}")
_LONGEST_PREFIX = 256  # characters, so that the keys of all mailboxes fit below it
# A name as a resolver takes it, or an address.
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST = re.compile(rf"(?=.{{1,253}}$){_LABEL}(?:\.{_LABEL})*\.?|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*")
_PLACEHOLDER = re.compile(r"account\.(?:[a-z]+\.)?r2\.")  # also with the jurisdiction behind it
_DASHBOARD = "dash.cloudflare.com"


def url_problem(value: object, *, allow_http: bool) -> str:
    """Why this cannot be the URL of a bucket."""
    if not isinstance(value, str) or len(value) > LONGEST_URL or not _URL.fullmatch(value):
        return f"bucket must be a URL such as {EXAMPLE}, not {shortened(value)}"
    try:
        parts = urlsplit(value)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        return f"bucket {shortened(value)} is no URL ({error}): write one such as {EXAMPLE}"
    if parts.username is not None or parts.password is not None:
        return (
            "bucket holds a user or a password, and secrets do not belong into the inventory: take them out, "
            "and deploy with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment"
        )
    if not host:
        return f"bucket {shortened(value)} has no host: write one such as {EXAMPLE}"
    if not _HOST.fullmatch(host) or port == 0:
        return f"bucket {shortened(value)} has no right host or port: write a URL such as {EXAMPLE}"
    if parts.query or parts.fragment or value.endswith(("?", "#")):
        return f"bucket {shortened(value)} goes on behind the path: take out what begins with ? or #"
    if parts.scheme != "https" and not allow_http:
        return (
            f"bucket {shortened(value)} is not https://, and mail would travel in clear text: use https://, "
            'or, if it stays in your own network, add "allow_http": True to the store'
        )
    if host == _DASHBOARD:
        return (
            f"bucket {shortened(value)} is a page of the dashboard: write the address of the S3 API, "
            f"such as {EXAMPLE} (the page of the bucket shows it)"
        )
    if _PLACEHOLDER.match(host):
        return (
            f"bucket {value} still has the word ACCOUNT of the example: write the ID of your account at "
            "Cloudflare in its place (the page R2 of the dashboard shows the whole address)"
        )
    if _is_link_local(host):
        return f"bucket leads to {host}, where the unit of the bucket may not go: name another address"
    return _path_problem(parts.path.removeprefix("/"), value)


def _path_problem(path: str, url: str) -> str:
    bucket, *words = path.removesuffix("/").split("/")
    if not bucket:
        return f"bucket {shortened(url)} names no bucket: put its name behind the host, as in {EXAMPLE}"
    if not _BUCKET.fullmatch(bucket) or ".." in bucket:
        return (
            f"bucket {url}: {bucket!r} is no name of a bucket: use 3 to 63 lower-case letters, digits, "
            "hyphens and dots"
        )
    if not all(map(_WORD.fullmatch, words)):
        return (
            f"bucket {url}: behind the bucket may be a prefix of words of letters, digits, hyphens, dots and "
            "underscores, with a slash between them: write it so, or take it out"
        )
    if len("/".join(words)) > _LONGEST_PREFIX:
        return (
            f"bucket {shortened(url)}: the prefix behind the bucket is longer than {_LONGEST_PREFIX} "
            "characters: shorten it"
        )
    return ""


def same_bucket_problem(urls: Sequence[str]) -> str:
    """Why these URLs, each of them right, cannot be the gateways of one bucket."""
    paths = dict.fromkeys(urlsplit(url).path for url in urls)
    if len(paths) > 1:
        return (
            f"bucket names {' and '.join(paths)}, which are not the same: several URLs are gateways of one "
            "bucket, so give all of them the same path"
        )
    twice = next((url for at, url in enumerate(urls) if url in urls[:at]), None)
    return f"bucket names {twice} twice: name it once" if twice else ""


def region_problem(region: object, urls: Sequence[str]) -> str:
    """Why this cannot be the region of the bucket at these URLs."""
    if not isinstance(region, str) or not re.fullmatch(r"[a-z0-9-]{1,40}", region):
        return f'region must be a name such as "eu-central-1", or "auto", not {shortened(region)}'
    named = next((url for url in urls if (urlsplit(url).hostname or "").endswith(".amazonaws.com")), None)
    if region == "auto" and named:
        return (
            f'region is "auto", and AWS takes only its own: add "region": "eu-central-1", or that of {named}'
        )
    return ""


def _is_link_local(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return address.is_link_local or address.is_multicast or address.is_unspecified
