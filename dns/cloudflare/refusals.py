"""Cloudflare's refusals and broken answers in words: what it said, the cause, and the fix. Pure.

One code can have several meanings. The HTTP status and the message that come with it decide. The table has
the codes that this program can meet. Any other code is passed on with its message.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

TOKEN_PAGE = "https://dash.cloudflare.com/profile/api-tokens"  # noqa: S105 - a page, not a token
STATUS_PAGE = "https://www.cloudflarestatus.com"
PERMISSIONS = "Zone > Zone > Read and Zone > DNS > Edit"
WORKERS_PERMISSION = "Account > Workers Scripts > Edit"
ALREADY_THERE = (81057, 81058)
NOT_THERE = (81044,)
NO_SCRIPT = 10007


@dataclass(frozen=True, slots=True)
class _Meaning:
    """What a refusal means. `not_permitted`: the token is valid, but it may not do this."""

    fix: str
    not_permitted: bool = False


_NOT_PERMITTED = _Meaning(
    f"the token lacks a permission, or the zone is another account's: give it {PERMISSIONS} on this zone "
    f"at {TOKEN_PAGE}",
    not_permitted=True,
)
_NOT_VALID = _Meaning(
    f"the token is not valid, or may not do this: make one with {PERMISSIONS} at {TOKEN_PAGE}"
)
_NOT_HERE = _Meaning(
    "the token's filter of client addresses does not allow this address: run this from an address that it "
    f"allows, or change the filter at {TOKEN_PAGE}"
)
_NOT_ARRIVED = _Meaning(
    "a token was sent, but no credentials arrived: find out whether a proxy removes the Authorization header "
    f"(HTTPS_PROXY, CLOUDFLARE_BASE_URL), or set CLOUDFLARE_API_TOKEN to another token from {TOKEN_PAGE}"
)
_MALFORMED = _Meaning(
    f"CLOUDFLARE_API_TOKEN does not have the form of a token: copy it again from {TOKEN_PAGE}"
)
_LOCKED_OUT = _Meaning("too many requests were refused: wait an hour, and run again with a valid token")
_CONFLICT = _Meaning(
    "an A, AAAA or CNAME record of that name is in the way, and was added after the zone was read: run again "
    "to see it"
)
_ZONE_OF_DOMAIN = _Meaning(
    "the account of the Worker does not hold the zone of its custom domain: run again, or report it"
)
_MEANINGS: Mapping[int, _Meaning] = {
    9106: _NOT_ARRIVED,
    6003: _MALFORMED,
    6103: _MALFORMED,
    6111: _MALFORMED,
    9109: _NOT_VALID,
    1000: _Meaning(f"the token is not valid: make one with {PERMISSIONS} at {TOKEN_PAGE}"),
    10000: _NOT_PERMITTED,
    10502: _LOCKED_OUT,
    1038: _Meaning(
        "Cloudflare's API does not change records of domains like this one: make the records by hand in the "
        "dashboard (--dry-run shows them), or use another domain"
    ),
    1043: _Meaning(
        "another product of Cloudflare owns the record (a Worker, an R2 bucket, Email Routing): remove it "
        "there; DNS > Records in the dashboard names the owner"
    ),
    81045: _Meaning(
        "the zone holds as many records as its plan allows: delete some that are not needed in the "
        "dashboard, or change to a larger plan"
    ),
    9100: _Meaning("an MX was sent without its priority: this is a fault of this program, please report it"),
    9009: _Meaning("the target of an MX must be a name, not an address: correct hostname in the inventory"),
    81053: _CONFLICT,
    81054: _CONFLICT,
    81057: _Meaning("a record of that value is already there: run again to see it"),
    81058: _Meaning("an identical record is already there: run again to see it"),
    81044: _Meaning("a record that was to be changed is gone: run again to see what is there now"),
    890190: _Meaning(
        "Email Routing is on and owns the zone's MX: turn it off in the dashboard "
        "(Email > Email Routing > Settings > Disable)"
    ),
    9300: _Meaning("tags need a paid plan: this is a fault of this program, please report it"),
    7003: _Meaning("the zone does not exist any more: run again"),
    # Workers: https://developers.cloudflare.com/workers/observability/errors/
    NO_SCRIPT: _Meaning("the Worker is gone: run again"),
    10016: _Meaning("the name of the Worker is refused: this is a fault of this program, please report it"),
    10021: _Meaning("the Worker's script is refused: this is a fault of this program, please report it"),
    10034: _Meaning("verify the e-mail address of the account in the dashboard, and run again"),
    10037: _Meaning(
        "the account holds as many Workers as its plan allows: delete one that is not needed in the "
        "dashboard (Workers & Pages), or change to a larger plan"
    ),
    10063: _Meaning(
        "this account has never used Workers: open Workers & Pages in the dashboard once, and run again"
    ),
    10064: _Meaning(
        "something else in the account uses this Worker: take it off there (Workers & Pages > the Worker > "
        "Settings), and run again"
    ),
    10082: _ZONE_OF_DOMAIN,
    10083: _ZONE_OF_DOMAIN,
    100116: _Meaning(
        "another Worker has this custom domain: remove it in the dashboard (Workers & Pages > that Worker > "
        "Settings > Domains & Routes), and run again"
    ),
    100117: _Meaning(
        "a record of that name is in the way: delete it in the dashboard (DNS > Records), and run again"
    ),
}
# Other meanings of some codes. Words in Cloudflare's message decide.
_BY_MESSAGE = (
    (9106, "authentication failed", _NOT_VALID),
    (9109, "from location", _NOT_HERE),
    (9109, "max auth failures", _LOCKED_OUT),
    (9109, "unauthorized to access", _NOT_PERMITTED),
    (10000, "from location", _NOT_HERE),
)
_BY_STATUS: Mapping[int, _Meaning] = {
    401: _Meaning(f"the token was not accepted: make one with {PERMISSIONS} at {TOKEN_PAGE}"),
    403: _NOT_PERMITTED,
    429: _Meaning(
        "too many requests (1,200 in 5 minutes for all that use this account): wait, and run again"
    ),
}


@dataclass(frozen=True, slots=True)
class Explanation:
    """A refusal: its code (0 for none), one line for the user, and what it means for the caller.

    `usable` is False if the answer is not the API's, or if it says that Cloudflare failed. Then it is not
    known what was done. `not_permitted`: the token is valid, but it may not do this.
    """

    code: int
    text: str
    usable: bool = True
    not_permitted: bool = False


def explain(status: int, body: object) -> Explanation:
    """Explain an error answer: Cloudflare's own words, the cause, and the fix. `body` is JSON, or text."""
    codes = error_codes(body)
    if not codes and isinstance(body, Mapping) and isinstance(body.get("error"), str):
        codes = [(1038 if "TLD" in body["error"] else 0, body["error"])]  # the older form of 1038
    if not codes:
        return _without_error(status, body)
    if status >= 500:
        said = "; ".join(f"{code} {_line(message)}" for code, message in codes[:1])
        return Explanation(
            codes[0][0],
            f"Cloudflare has a fault of its own (HTTP {status}: {said}): see {STATUS_PAGE}, and run again",
            usable=False,
        )
    code, message = next((each for each in codes if each[0] in _MEANINGS), codes[0])
    meaning = _meaning(code, message, status)
    said = (
        f"Cloudflare refused ({code} {_line(message)})" if code else f"Cloudflare refused ({_line(message)})"
    )
    return Explanation(
        code,
        f"{said}: {meaning.fix}" if meaning else said,
        not_permitted=status == 403 and (code == 0 or (meaning is not None and meaning.not_permitted)),
    )


def error_codes(body: object) -> list[tuple[int, str]]:
    """The codes and messages in an error answer. Of a chain of errors the innermost comes first."""
    found: list[tuple[int, str]] = []
    errors = body.get("errors") if isinstance(body, Mapping) else None
    for error in errors if isinstance(errors, list) else ():
        if not isinstance(error, Mapping):
            continue
        chain = error.get("error_chain")
        links = [*(chain if isinstance(chain, list) else ()), error]
        found += [
            (int(link["code"]), str(link.get("message", "")))
            for link in links
            if isinstance(link, Mapping) and re.fullmatch(r"\d{1,9}", str(link.get("code")))
        ]
    return found


def _meaning(code: int, message: str, status: int) -> _Meaning | None:
    lowered = message.lower()
    for other, words, meaning in _BY_MESSAGE:
        if code == other and words in lowered:
            return meaning
    return _BY_STATUS[429] if status == 429 else _MEANINGS.get(code) or _BY_STATUS.get(status)


def _without_error(status: int, body: object) -> Explanation:
    """Explain an answer without an error of the API: the page of a firewall or proxy, or nothing at all."""
    page = (
        re.search(r"<title[^>]*>(.*?)</title>", body, re.DOTALL | re.IGNORECASE)
        if isinstance(body, str)
        else None
    )
    title = f", a page titled {_line(page[1])!r}" if page and _line(page[1]) else ""
    if status in _BY_STATUS and not isinstance(body, str):
        return Explanation(
            0, f"Cloudflare refused (HTTP {status}): {_BY_STATUS[status].fix}", not_permitted=status == 403
        )
    if status == 429:
        return Explanation(0, f"Cloudflare refused (HTTP 429{title}): {_BY_STATUS[429].fix}")
    blocked = "a firewall (WAF) refused the request, or " if status in (401, 403, 406) else ""
    return Explanation(
        0,
        f"the answer (HTTP {status}{title}) is not Cloudflare's API: {blocked}a proxy or a wrong "
        f"CLOUDFLARE_BASE_URL is in between, or Cloudflare has an outage: see {STATUS_PAGE}, and try it from "
        "another network",
        usable=False,
    )


def _line(message: str) -> str:
    """The message as one printable line of at most 200 characters."""
    printable = "".join(c if c.isprintable() else " " for c in message)
    return " ".join(printable.split())[:200].rstrip(".")
