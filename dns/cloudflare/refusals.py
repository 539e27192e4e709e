"""Cloudflare's refusals and broken answers in words: its own, the cause, and what to do. Pure.

One code has several meanings, by the status and the message that come with it. The codes are those that
this program can meet; any other is passed on with its message.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

TOKEN_PAGE = "https://dash.cloudflare.com/profile/api-tokens"  # noqa: S105 - a page, not a token
STATUS_PAGE = "https://www.cloudflarestatus.com"
PERMISSIONS = "Zone > Zone > Read and Zone > DNS > Edit"
ALREADY_THERE = (81057, 81058)
NOT_THERE = (81044,)

_NOT_PERMITTED = (
    f"the token lacks a permission, or the zone is another account's: give it {PERMISSIONS} on this zone "
    f"at {TOKEN_PAGE}"
)
_NOT_VALID = f"the token is not valid, or may not do this: make one with {PERMISSIONS} at {TOKEN_PAGE}"
_NOT_HERE = (
    "the token has a filter of client addresses, which does not let this one in: run this from an address "
    f"that it names, or change the filter at {TOKEN_PAGE}"
)
_NOT_ARRIVED = (
    "no credentials arrived, though a token was sent: see whether a proxy takes the Authorization header "
    f"away (HTTPS_PROXY, CLOUDFLARE_BASE_URL), else set CLOUDFLARE_API_TOKEN to another from {TOKEN_PAGE}"
)
_MALFORMED = f"CLOUDFLARE_API_TOKEN is not in the form of a token: copy it again from {TOKEN_PAGE}"
_LOCKED_OUT = "too many requests were refused: wait an hour, and run again with a token that is right"
_CONFLICT = (
    "an A, AAAA or CNAME record with that name stands in the way: run again to see it, it came in between"
)
_MEANINGS: Mapping[int, str] = {
    9106: _NOT_ARRIVED,
    6003: _MALFORMED,
    6103: _MALFORMED,
    6111: _MALFORMED,
    9109: _NOT_VALID,
    1000: f"the token is not valid: make one with {PERMISSIONS} at {TOKEN_PAGE}",
    10000: _NOT_PERMITTED,
    10502: _LOCKED_OUT,
    1038: (
        "Cloudflare's API changes no records of domains like this one: make these in the dashboard by hand "
        "(--dry-run shows them), or take another domain"
    ),
    1043: (
        "another product of Cloudflare's owns the record (a Worker, an R2 bucket, Email Routing): remove it "
        "there, DNS > Records in the dashboard says whose it is"
    ),
    81045: (
        "the zone holds as many records as its plan allows: delete some that are not needed in the "
        "dashboard, or take a larger plan"
    ),
    9100: "an MX came without its priority: this is a fault of this program, please report it",
    9009: "the target of an MX must be a name, not an address: correct hostname in the inventory",
    81053: _CONFLICT,
    81054: _CONFLICT,
    81057: "a record of that value is already there: run again to see it",
    81058: "an identical record is already there: run again to see it",
    81044: "a record that was to be changed is gone: run again to see what is there now",
    890190: (
        "Email Routing is on and owns the zone's MX: turn it off in the dashboard "
        "(Email > Email Routing > Settings > Disable)"
    ),
    9300: "tags need a paid plan: this is a fault of this program, please report it",
    7003: "there is no such zone any more: run again",
}
# The other meanings of a code, told by Cloudflare's words.
_BY_MESSAGE = (
    (9106, "authentication failed", _NOT_VALID),
    (9109, "from location", _NOT_HERE),
    (9109, "max auth failures", _LOCKED_OUT),
    (9109, "unauthorized to access", _NOT_PERMITTED),
    (10000, "from location", _NOT_HERE),
)
_STATUS: Mapping[int, str] = {
    401: f"the token was not accepted: make one with {PERMISSIONS} at {TOKEN_PAGE}",
    403: _NOT_PERMITTED,
    429: "too many requests (1,200 in 5 minutes for all that use this account): wait, and run again",
}


@dataclass(frozen=True, slots=True)
class Explanation:
    """A refusal: its code (0 for none), one line for the user, and what it means for the caller.

    ``usable`` is False where the answer is none of the API's, or says that Cloudflare failed, so that it
    is not known what was done. ``not_permitted``: the token is good, but not for this.
    """

    code: int
    text: str
    usable: bool = True
    not_permitted: bool = False


def codes_of(body: object) -> list[tuple[int, str]]:
    """The codes and messages of an error answer, the innermost of each chain first."""
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


def explained(status: int, body: object) -> Explanation:
    """What Cloudflare refused, in its own words, why, and what to do. ``body`` is JSON, or text."""
    codes = codes_of(body)
    if not codes and isinstance(body, Mapping) and isinstance(body.get("error"), str):
        codes = [(1038 if "TLD" in body["error"] else 0, body["error"])]  # the older form of 1038
    if not codes:
        return _no_answer(status, body)
    if status >= 500:
        said = "; ".join(f"{code} {_line(message)}" for code, message in codes[:1])
        return Explanation(
            codes[0][0],
            f"Cloudflare has a fault of its own (HTTP {status}: {said}): see {STATUS_PAGE}, and run again",
            usable=False,
        )
    code, message = next((each for each in codes if each[0] in _MEANINGS), codes[0])
    fix = _fix(code, message, status)
    said = (
        f"Cloudflare refused ({code} {_line(message)})" if code else f"Cloudflare refused ({_line(message)})"
    )
    return Explanation(
        code,
        f"{said}: {fix}" if fix else said,
        not_permitted=status == 403 and (fix == _NOT_PERMITTED or code == 0),
    )


def _fix(code: int, message: str, status: int) -> str | None:
    lowered = message.lower()
    for other, words, fix in _BY_MESSAGE:
        if code == other and words in lowered:
            return fix
    return _STATUS[429] if status == 429 else _MEANINGS.get(code) or _STATUS.get(status)


def _no_answer(status: int, body: object) -> Explanation:
    """An answer without an error of the API's: a page of a firewall or proxy, or no error at all."""
    page = (
        re.search(r"<title[^>]*>(.*?)</title>", body, re.DOTALL | re.IGNORECASE)
        if isinstance(body, str)
        else None
    )
    title = f", a page titled {_line(page[1])!r}" if page and _line(page[1]) else ""
    if status in _STATUS and not isinstance(body, str):
        return Explanation(
            0, f"Cloudflare refused (HTTP {status}): {_STATUS[status]}", not_permitted=status == 403
        )
    if status == 429:
        return Explanation(0, f"Cloudflare refused (HTTP 429{title}): {_STATUS[429]}")
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
