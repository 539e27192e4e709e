"""What the API answers when it refuses: an HTTP status, a code, a message, in Cloudflare's envelope.

The codes are those that the real API has been seen to answer. Where its code is not known, the general 1004
("DNS Validation Error") stands, with the reason in words.
"""

from __future__ import annotations

from collections.abc import Mapping


class Refusal(Exception):
    """One refused request."""

    def __init__(
        self,
        status: int,
        code: int,
        message: str,
        *,
        chain: tuple[int, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.chain = chain
        self.headers = dict(headers or {})

    def body(self) -> dict[str, object]:
        """The answer's JSON."""
        error: dict[str, object] = {"code": self.code, "message": self.message}
        if self.chain:
            error["error_chain"] = [{"code": self.chain[0], "message": self.chain[1]}]
        return {"result": None, "success": False, "errors": [error], "messages": []}


def invalid(code: int, message: str) -> Refusal:
    """A record that does not pass validation."""
    return Refusal(400, code, message)


def not_routed(path: str) -> Refusal:
    """No such endpoint, or no identifier."""
    return Refusal(
        404, 7003, f"Could not route to {path}, perhaps your object identifier is invalid?", chain=None
    )


def no_record() -> Refusal:
    """The record's identifier is not in the zone."""
    return Refusal(404, 81044, "Record does not exist.")


def no_credentials() -> Refusal:
    """Nothing in the headers says who asks."""
    return Refusal(400, 9106, "Missing X-Auth-Key, X-Auth-Email or Authorization headers")


def malformed_token() -> Refusal:
    """The Authorization header does not have the form of a token."""
    return Refusal(
        400, 6003, "Invalid request headers", chain=(6111, "Invalid format for Authorization header")
    )


def malformed_key() -> Refusal:
    """The X-Auth-Key header does not have the form of a key."""
    return Refusal(400, 6003, "Invalid request headers", chain=(6103, "Invalid format for X-Auth-Key header"))


def unknown_token() -> Refusal:
    """A well-formed token that nobody has issued, or that was revoked."""
    return Refusal(403, 9109, "Invalid access token")


def not_permitted() -> Refusal:
    """The token is good, but not for this."""
    return Refusal(403, 10000, "Authentication error")


def no_listing() -> Refusal:
    """A token for single zones asks for another zone, or for the list of all."""
    actor = f"com.cloudflare.api.token.{'0' * 32}"
    return Refusal(
        403, 0, f"Actor '{actor}' requires permission 'com.cloudflare.api.account.zone.list' to list zones"
    )


def elsewhere(address: str) -> Refusal:
    """The token has a filter of client addresses, and this address is not in it."""
    return Refusal(403, 9109, f"Cannot use the access token from location: {address}")


def read_only() -> Refusal:
    """The record is another product's: Workers, R2, or the DKIM of Email Routing."""
    return Refusal(400, 1043, "DNS record is read only")


def over_quota() -> Refusal:
    """The zone has as many records as its plan allows."""
    return Refusal(400, 81045, "Record quota exceeded.")


def free_domain() -> Refusal:
    """A domain of one of the top-level domains that were given away."""
    return Refusal(
        403,
        1038,
        "You cannot use this API for domains with a .cf, .ga, .gq, .ml, or .tk TLD (top-level domain). "
        "To configure the DNS settings for this domain, use the Cloudflare Dashboard.",
    )


def too_many_requests(retry_after: int | str) -> Refusal:
    """The rate limit is used up. `retry_after` is in seconds, or the text of the header."""
    return Refusal(
        429,
        971,
        "Please wait and consider throttling your request speed",
        headers={"retry-after": str(retry_after)},
    )
