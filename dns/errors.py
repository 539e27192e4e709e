"""What can go wrong while a domain's records are read and changed; ``str`` is one line for the user."""


class SyncError(Exception):
    """It failed: the thing, the cause, the fix, in one line. The token is never part of it.

    ``applied`` says whether the zone was changed: False, True, or None where that is not known.
    """

    applied: bool | None = False


class NoToken(SyncError):
    """No token, or one that cannot be a token."""


class WrongSetting(SyncError):
    """A variable of the environment that cannot be meant so: an address, a port, a file that is not there."""


class Unreachable(SyncError):
    """No answer came that could be used: no network, no name, no TLS, a proxy's page, half an answer."""


class OutcomeUnknown(SyncError):
    """A change was sent, and no usable answer came: it may have been made, or not."""

    applied = None


class Refused(SyncError):
    """Cloudflare answered, and said no. ``code`` is Cloudflare's, 0 where it gave none."""

    def __init__(self, message: str, code: int = 0) -> None:
        super().__init__(message)
        self.code = code


class NotPermitted(Refused):
    """The token is good, but not for this: it lacks a permission, or it is for other zones."""


class ZoneNotFound(SyncError):
    """The token sees no zone that holds the domain."""


class ZoneUnusable(SyncError):
    """There is a zone, but records written into it would not be served, or nobody could say by whom."""


class Blocked(SyncError):
    """Records that are not ours stand in the way, and nobody asked to replace them."""


class ChangedBut(SyncError):
    """The zone was changed, and what came after that failed, or something else was changed with it."""

    applied = True


class HostUnreadable(SyncError):
    """A mail host's addresses could not be read from it."""


class NotServed(SyncError):
    """The deadline passed before every nameserver answered every record."""
