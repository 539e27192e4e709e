"""The errors of this room. `str(error)` is one line for the user: the thing, the cause, the fix."""

from __future__ import annotations


class SyncError(Exception):
    """Reading or changing a domain's records failed. The message never holds the token.

    `applied` says whether the zone was changed: True, False, or None if that is not known.
    """

    applied: bool | None = False


class NoToken(SyncError):
    """There is no API token, or the text cannot be one."""


class WrongSetting(SyncError):
    """An environment variable or option cannot be used: a bad address, a bad port, a missing file."""


class Unreachable(SyncError):
    """No usable answer came: no network, no TLS, a proxy's page, half an answer."""


class OutcomeUnknown(SyncError):
    """A change was sent and no usable answer came, so it may have been made or not."""

    applied = None


class Refused(SyncError):
    """Cloudflare answered no. `code` is Cloudflare's error code, or 0 if it gave none."""

    def __init__(self, message: str, code: int = 0) -> None:
        super().__init__(message)
        self.code = code


class NotPermitted(Refused):
    """The token is valid, but it lacks a permission or belongs to other zones."""


class ZoneNotFound(SyncError):
    """The token sees no zone that holds the domain."""


class ZoneUnusable(SyncError):
    """The zone exists, but records written into it would not be served, or it is unclear by whom."""


class Blocked(SyncError):
    """Records that are not ours are in the way, and the user did not ask to replace them."""


class ChangedBut(SyncError):
    """The zone was changed, but a later step failed or something else was changed with it."""

    applied = True


class Unfinished(SyncError):
    """Nothing is wrong, but something must wait for a later run. `applied` says whether anything changed."""

    def __init__(self, message: str, *, applied: bool = False) -> None:
        super().__init__(message)
        self.applied = applied


class HostUnreadable(SyncError):
    """The addresses of a mail host could not be read from it."""


class NotServed(SyncError):
    """Some nameserver did not answer every record before the deadline."""
