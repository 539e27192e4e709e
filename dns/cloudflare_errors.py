"""Cloudflare's refusals and broken answers in words: the cause, and what to do. Pure.

The codes are those of Cloudflare's API that this program can meet; any other is passed on with the
message that came with it.
"""

from collections.abc import Mapping

TOKEN_PAGE = "https://dash.cloudflare.com/profile/api-tokens"  # noqa: S105 - a page, not a token
PERMISSIONS = "Zone > Zone > Read and Zone > DNS > Edit"
ALREADY_THERE = (81057, 81058)
NOT_THERE = (81044,)

_NOT_PERMITTED = (
    f"the token lacks a permission, or the zone is another account's: give it {PERMISSIONS} on this zone "
    f"at {TOKEN_PAGE}"
)
_MALFORMED = f"CLOUDFLARE_API_TOKEN is not in the form of a token: copy it again from {TOKEN_PAGE}"
_CONFLICT = (
    "an A, AAAA or CNAME record with that name stands in the way: run again to see it, it came in between"
)
_MEANINGS: Mapping[int, str] = {
    9106: f"no credentials arrived: set CLOUDFLARE_API_TOKEN to a token from {TOKEN_PAGE}",
    6003: _MALFORMED,
    6103: _MALFORMED,
    6111: _MALFORMED,
    9109: f"the token is not valid, or may not do this: make one with {PERMISSIONS} at {TOKEN_PAGE}",
    1000: f"the token is not valid: make one with {PERMISSIONS} at {TOKEN_PAGE}",
    10000: _NOT_PERMITTED,
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
_STATUS: Mapping[int, str] = {
    401: f"the token was not accepted: make one with {PERMISSIONS} at {TOKEN_PAGE}",
    403: _NOT_PERMITTED,
    429: "too many requests (1,200 in 5 minutes for all that use this account): wait, and run again",
}


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
            (link["code"], str(link.get("message", "")))
            for link in links
            if isinstance(link, Mapping) and isinstance(link.get("code"), int)
        ]
    return found


def explained(status: int, body: object) -> tuple[int, str]:
    """The code (0 for none) and one line: what Cloudflare refused, why, and what to do."""
    codes = codes_of(body)
    for code, message in codes:
        if code in _MEANINGS:
            return code, f"Cloudflare refused ({code} {_line(message)}): {_MEANINGS[code]}"
    if status in _STATUS:
        return (codes[0][0] if codes else 0), f"Cloudflare refused (HTTP {status}): {_STATUS[status]}"
    if codes:
        return codes[0][0], f"Cloudflare refused ({codes[0][0]} {_line(codes[0][1])})"
    return 0, (
        f"the answer (HTTP {status}) is not Cloudflare's API: a proxy or a wrong CLOUDFLARE_BASE_URL may be "
        "in between, or Cloudflare has an outage (https://www.cloudflarestatus.com)"
    )


def _line(message: str) -> str:
    return " ".join(message.split())[:200].rstrip(".")
