"""The environment variables that matter for reaching Cloudflare: token, endpoint, proxies, certificates.

They are checked before they are used, and each error names its variable. Nothing is sent. Neither httpx nor
the SDK is imported.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from dns.cloudflare.refusals import TOKEN_PAGE
from dns.errors import NoToken, WrongSetting

ENDPOINT = "https://api.cloudflare.com/client/v4"
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
_PROXY_SCHEMES = ("http", "https", "socks5", "socks5h")


def token(environ: Mapping[str, str]) -> str:
    """Return the API token. Raises NoToken."""
    found = environ.get("CLOUDFLARE_API_TOKEN", "").strip()
    if not found:
        raise NoToken(f"CLOUDFLARE_API_TOKEN is not set: make a token at {TOKEN_PAGE} and export it")
    if not re.fullmatch(r"[\x21-\x7e]+", found):
        raise NoToken("CLOUDFLARE_API_TOKEN has characters that no token has: copy it again")
    return found


def base_url(environ: Mapping[str, str]) -> str | None:
    """Return the endpoint if one is set. Raises WrongSetting if it is not an address."""
    found = environ.get("CLOUDFLARE_BASE_URL", "").strip()
    if not found:
        return None
    problem = "is not an http(s) address" if not re.match(r"https?://[^/]", found) else _wrong(found)
    if problem:
        raise WrongSetting(f"CLOUDFLARE_BASE_URL {found!r} {problem}: correct or unset it")
    return found


def check_network(environ: Mapping[str, str], endpoint: str | None) -> None:
    """Check the proxies and the certificates that are named. Raises WrongSetting if one cannot be used."""
    for name in PROXIES:
        # Both spellings count. The lower-case one wins, even if it is empty (urllib.request.getproxies).
        said = name.lower() if name.lower() in environ else name
        value = environ.get(said, "").strip()
        if value:
            _check_proxy(said, value)
    if (endpoint or ENDPOINT).startswith("https:"):
        _check_certificates(environ)


def proxies_named(environ: Mapping[str, str]) -> str:
    """The variables that name a proxy. If none does, the name of the usual one."""
    names = [spelt for name in PROXIES for spelt in (name, name.lower()) if environ.get(spelt)]
    return ", ".join(names) or "HTTPS_PROXY"


def certificates_named(environ: Mapping[str, str]) -> str:
    """The variable that names the certificates, with its value. If none does, the name of the usual one."""
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        if environ.get(name):
            return f"{name} {environ[name]}"
    return "SSL_CERT_FILE"


def _check_proxy(name: str, value: str) -> None:
    url = value if "://" in value else f"http://{value}"
    scheme = url.partition("://")[0].lower()
    problem = "is not the address of a proxy" if scheme not in _PROXY_SCHEMES else _wrong(url)
    if problem:
        others = ", ".join(other for other in PROXIES if other != name.upper())
        raise WrongSetting(
            f"{name} {_without_password(value)!r} {problem}: write it as "
            f"http://proxy.example.com:3128, or unset it ({others} are used too)"
        )


def _check_certificates(environ: Mapping[str, str]) -> None:
    for name, fits, what in (
        ("SSL_CERT_FILE", Path.is_file, "file"),
        ("SSL_CERT_DIR", Path.is_dir, "folder"),
    ):
        value = environ.get(name)
        if not value:
            continue
        try:
            missing = not fits(Path(value))
        except (OSError, ValueError):
            missing = True
        if missing:
            raise WrongSetting(f"{name} {value!r}: there is no such {what}: correct or unset it")
        return  # SSL_CERT_DIR is ignored if SSL_CERT_FILE is set


def _wrong(url: str) -> str | None:
    """What is wrong with the host or the port of an address, or None."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "names no host"
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        return "names no port from 1 to 65535"
    return None if parts.hostname else "names no host"


def _without_password(url: str) -> str:
    return re.sub(r"//[^/@]*@", "//", url)
