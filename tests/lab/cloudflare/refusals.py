"""What the API answers when it refuses: an HTTP status, a code, a message, in Cloudflare's envelope.

The codes are those that the real API has been seen to answer. Where it is not known which one it
answers, the general 1004 ("DNS Validation Error") stands with the reason in words.
"""

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
    """The Authorization header is not of the form of a token."""
    return Refusal(
        400, 6003, "Invalid request headers", chain=(6111, "Invalid format for Authorization header")
    )


def malformed_key() -> Refusal:
    """The X-Auth-Key header is not of the form of a key."""
    return Refusal(400, 6003, "Invalid request headers", chain=(6103, "Invalid format for X-Auth-Key header"))


def unknown_token() -> Refusal:
    """A well-formed token that nobody has issued, or that was revoked."""
    return Refusal(403, 9109, "Invalid access token")


def not_permitted() -> Refusal:
    """The token is good, but not for this."""
    return Refusal(403, 10000, "Authentication error")


def too_many_requests(retry_after: int) -> Refusal:
    """The rate limit is used up; ``retry_after`` in seconds."""
    return Refusal(
        429,
        971,
        "Please wait and consider throttling your request speed",
        headers={"retry-after": str(retry_after)},
    )
