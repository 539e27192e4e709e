"""What can go wrong while a domain's records are read and changed; ``str`` is one line for the user."""


class SyncError(Exception):
    """It failed: the thing, the cause, the mend, in one line. The token is never part of it."""


class NoToken(SyncError):
    """No token, or one that cannot be a token."""


class Unreachable(SyncError):
    """No answer came that could be used: no network, no name, no TLS, a proxy's page, half an answer."""


class Refused(SyncError):
    """Cloudflare answered, and said no. ``code`` is Cloudflare's, 0 where it gave none."""

    def __init__(self, message: str, code: int = 0) -> None:
        super().__init__(message)
        self.code = code


class ZoneNotFound(SyncError):
    """The token sees no zone that holds the domain."""


class Blocked(SyncError):
    """Records that are not ours stand in the way, and nobody asked to replace them."""


class HostUnreadable(SyncError):
    """A mail host's addresses could not be read from it."""


class NotServed(SyncError):
    """The deadline passed before every nameserver answered every record."""
