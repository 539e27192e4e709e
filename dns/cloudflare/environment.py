"""What leads to Cloudflare in the environment: token, endpoint, proxies, certificates; checked before use.

Each problem names its variable. Nothing is sent, and neither httpx nor the SDK is imported.
"""

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
    """The API token. Raises NoToken."""
    found = environ.get("CLOUDFLARE_API_TOKEN", "").strip()
    if not found:
        raise NoToken(f"CLOUDFLARE_API_TOKEN is not set: make a token at {TOKEN_PAGE} and export it")
    if not re.fullmatch(r"[\x21-\x7e]+", found):
        raise NoToken("CLOUDFLARE_API_TOKEN holds characters that no token has: copy it again")
    return found


def base_url(environ: Mapping[str, str]) -> str | None:
    """The endpoint, if one is named. Raises WrongSetting where it is no address."""
    found = environ.get("CLOUDFLARE_BASE_URL", "").strip()
    if not found:
        return None
    problem = "is not an http(s) address" if not re.match(r"https?://[^/]", found) else _wrong(found)
    if problem:
        raise WrongSetting(f"CLOUDFLARE_BASE_URL {found!r} {problem}: correct or unset it")
    return found


def check_network(environ: Mapping[str, str], endpoint: str | None) -> None:
    """Raise WrongSetting where a proxy or a file of certificates that is named cannot be used."""
    for name in PROXIES:
        # Both spellings count, the lower-case one first, even where it is empty (urllib.request.getproxies).
        said = name.lower() if name.lower() in environ else name
        value = environ.get(said, "").strip()
        if value:
            _check_proxy(said, value)
    if (endpoint or ENDPOINT).startswith("https:"):
        _check_certificates(environ)


def proxies_named(environ: Mapping[str, str]) -> str:
    """The variables that name a proxy, or the name of the one that would."""
    names = [spelt for name in PROXIES for spelt in (name, name.lower()) if environ.get(spelt)]
    return ", ".join(names) or "HTTPS_PROXY"


def certificates_named(environ: Mapping[str, str]) -> str:
    """The variable that certificates are read from, with its value, or the name of the one that would be."""
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        if environ.get(name):
            return f"{name} {environ[name]}"
    return "SSL_CERT_FILE"


def _check_proxy(name: str, value: str) -> None:
    url = value if "://" in value else f"http://{value}"
    scheme = url.partition("://")[0].lower()
    problem = "is no address of a proxy" if scheme not in _PROXY_SCHEMES else _wrong(url)
    if problem:
        others = ", ".join(other for other in PROXIES if other != name.upper())
        raise WrongSetting(
            f"{name} {_without_password(value)!r} {problem}: write it as "
            f"http://proxy.example.com:3128, or unset it ({others} are read too)"
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
        return  # where there is a file, the folder is not looked at


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
